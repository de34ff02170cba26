package merlon

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"embed"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/header"
)

//go:embed migrations
var migrations embed.FS

var (
	schema     = db.From(migrations, "migrations").Named("merlon")
	findOnce   = db.Query[onceRow](schema, "SELECT sum, answer FROM merlon_once WHERE id = $1 LIMIT 1")
	insertOnce = db.Exec(schema, "INSERT INTO merlon_once (id, sum, answer, at) VALUES ($1, $2, $3, $4)")
	sweepOnce  = db.Exec(schema, "DELETE FROM merlon_once WHERE at < $1")
	stripOnce  = db.Exec(schema, "UPDATE merlon_once SET answer = x'' WHERE at < $1 AND length(answer) > 0")
)

type onceRow struct {
	Sum    []byte
	Answer []byte
}

// once is the one-time mark of a form: the mask of its token, and what was typed, as a hash.
type once struct {
	set bool
	pad [32]byte
	sum [32]byte
}

// errEdited is the second arrival of a form with another text.
var errEdited = errors.New("merlon: form used before with another text")

// answer is what the second arrival of the same form gets. It rests sealed under a key that only the form itself has.
type answer struct {
	Status  int
	Kind    responseKind
	Local   string
	Body    []byte
	Policy  string
	Cookies []header.Cookie
}

// maxAnswer bounds what is kept of a page answered to a POST, in bytes; a longer one is not kept, and the second arrival is
// sent to the front page.
const maxAnswer = 64 << 10

func (o once) id() []byte {
	h := sha256.Sum256(append([]byte("merlon/once/id/v1\x00"), o.pad[:]...))
	return h[:]
}

func (o once) key() []byte {
	h := sha256.Sum256(append([]byte("merlon/once/key/v1\x00"), o.pad[:]...))
	return h[:]
}

// claim looks whether the form was used before: nil, nil for the first arrival; the first one's answer for the same text;
// [errEdited] for another.
func (w *walk) claim(dw *db.Writer, o once) (*Response, error) {
	if !o.set {
		return nil, nil
	}
	row, err := findOnce.One(dw, o.id())
	if errors.Is(err, db.ErrNoRow) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if string(row.Sum) != string(o.sum[:]) {
		return nil, errEdited
	}
	res := &Response{status: 303, kind: kindLocal, local: "/"}
	plain, err := openOnce(o, row.Answer)
	if err != nil {
		return res, nil // not kept any more
	}
	var a answer
	if err := json.Unmarshal(plain, &a); err != nil {
		return nil, fmt.Errorf("merlon: answer kept for a form: %w", err)
	}
	w.buf = append(w.buf[:0], a.Body...)
	w.cookies = append(w.cookies[:0], a.Cookies...)
	if a.Policy != "" {
		w.ResponseWriter.Header()["Content-Security-Policy"] = []string{a.Policy}
	}
	return &Response{status: a.Status, kind: a.Kind, local: a.Local}, nil
}

// remember keeps the mark and the answer in the transaction that made it.
func (w *walk) remember(dw *db.Writer, o once, res *Response) error {
	if !o.set {
		return nil
	}
	a := answer{Status: res.status, Kind: res.kind, Local: res.local, Body: w.buf, Cookies: w.cookies}
	if p := w.ResponseWriter.Header()["Content-Security-Policy"]; len(p) == 1 && res.kind == kindPage {
		a.Policy = p[0]
	}
	if res.kind == kindRedirect {
		a.Kind = kindLocal
	}
	var sealed []byte
	if len(a.Body) <= maxAnswer && res.kind != kindDownload {
		plain, err := json.Marshal(a)
		if err != nil {
			return err
		}
		if sealed, err = sealOnce(o, plain); err != nil {
			return err
		}
	}
	_, err := insertOnce.Run(dw, o.id(), o.sum[:], sealed, w.now.UnixMicro())
	return err
}

// sealOnce and openOnce use a key that exists only in the form's token: the store has its hash alone.
func sealOnce(o once, plain []byte) ([]byte, error) {
	box, err := onceBox(o)
	if err != nil {
		return nil, err
	}
	return box.Seal(nil, nil, plain, o.id()), nil
}

func openOnce(o once, sealed []byte) ([]byte, error) {
	box, err := onceBox(o)
	if err != nil {
		return nil, err
	}
	return box.Open(nil, nil, sealed, o.id())
}

func onceBox(o once) (cipher.AEAD, error) {
	block, err := aes.NewCipher(o.key())
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
