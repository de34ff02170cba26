package valkey

import (
	"fmt"
	"math"
	"testing"

	"github.com/merlon-web/merlon/keyring"
	"github.com/merlon-web/merlon/session"
)

func full() session.Row {
	return session.Row{ID: math.MaxInt64, User: 7, Class: session.Administrator, Factors: 2, How: "password", Remember: true, Recent: 3, Created: math.MinInt64, Seen: 5, Idle: 6,
		Absolute: 8, Ended: 9, Reason: "sign-out", Device: "Firefox on Linux", Network: "192.0.2.0/24", Version: 10}
}

// TestHead: what is written is read, all of it, and nothing that is cut or longer.
func TestHead(t *testing.T) {
	want := full()
	b := appendHead(nil, &want)
	var got session.Row
	if !parseHead(b, &got) || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	for n := range b {
		if parseHead(b[:n], new(session.Row)) {
			t.Errorf("cut to %d bytes it is read", n)
		}
	}
	if parseHead(append(b, 0), new(session.Row)) {
		t.Error("with a byte more it is read")
	}
}

// FuzzHead: whatever is read is the same once it was written anew.
func FuzzHead(f *testing.F) {
	row := full()
	f.Add(appendHead(nil, &row))
	f.Add([]byte{headForm})
	f.Fuzz(func(t *testing.T, b []byte) {
		var one, two session.Row
		if !parseHead(b, &one) {
			return
		}
		if !parseHead(appendHead(nil, &one), &two) || fmt.Sprintf("%+v", one) != fmt.Sprintf("%+v", two) {
			t.Errorf("%+v became %+v", one, two)
		}
	})
}

func BenchmarkHead(b *testing.B) {
	s, row := &Store{generation: "ABCDEFGHIJKLMNOPQRSTUVWXYZ", keys: keyring.Memory("one").For("merlon/session/row/v1")}, full()
	text, err := s.textOf(&row)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, ok := s.rowOf(row.Key, text); !ok {
			b.Fatal("not read")
		}
	}
}
