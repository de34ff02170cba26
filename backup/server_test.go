package backup

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/merlon-web/merlon"
)

// A point is not restored into the other kind of database.
func TestPointFitsDatabase(t *testing.T) {
	to := receiver(func(io.Reader) error { return nil })
	for _, one := range []struct {
		in   Inner
		to   receiver
		says string
	}{
		{Inner{Database: "site.db"}, nil, ""},
		{Inner{Server: "PostgreSQL 15"}, to, ""},
		{Inner{Server: "PostgreSQL 15"}, nil, "a dump of a database server (PostgreSQL 15)"},
		{Inner{Database: "site.db"}, to, "the database as a file"},
	} {
		err := one.in.fits(one.to)
		if (err == nil) != (one.says == "") || err != nil && (!errors.Is(err, merlon.ErrCannot) || !strings.Contains(err.Error(), one.says)) {
			t.Errorf("%+v: %v, want %q", one.in, err, one.says)
		}
	}
}

// What is handed on arrives whole; the receiver's error ends the reading and is told once, whenever it comes.
func TestLoading(t *testing.T) {
	text := strings.Repeat("dump ", 100_000)
	var got strings.Builder
	l := load(func(from io.Reader) error { _, err := io.Copy(&got, from); return err })
	_, err := io.Copy(struct{ io.Writer }{l}, strings.NewReader(text))
	if err = errors.Join(err, l.Close()); err != nil || got.String() != text {
		t.Errorf("%d of %d bytes arrived: %v", got.Len(), len(text), err)
	}
	broken := errors.New("there is no room")
	for name, to := range map[string]receiver{
		"at once":    func(io.Reader) error { return broken },
		"in between": func(from io.Reader) error { _, _ = io.CopyN(io.Discard, from, 1000); return broken },
		"at the end": func(from io.Reader) error { _, _ = io.Copy(io.Discard, from); return broken },
	} {
		l := load(to)
		_, err := io.Copy(struct{ io.Writer }{l}, strings.NewReader(text))
		closed := l.Close()
		if !errors.Is(errors.Join(err, closed), broken) || err != nil && closed != nil {
			t.Errorf("%s: %v, then %v", name, err, closed)
		}
	}
}
