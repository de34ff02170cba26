package merlon

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"embed"
	"encoding/binary"
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
	stripOnce  = db.Exec(schema, "UPDATE merlon_once SET answer = substr(answer, 1, 0) WHERE at < $1 AND length(answer) > 0")
)

type onceRow struct {
	Sum    []byte
	Answer []byte
}

// once is the one-time mark of a form. Its seed is made from the mask of the token, what the token is bound to, and the
// address: the same mask on another visitor's token, or sent to another address, is another mark.
type once struct {
	set  bool
	seed [32]byte
	sum  [32]byte // of what was typed, keyed: a password is among it, and the row stays for a month
}

func (w *walk) once(pad [32]byte, binding []byte, sum [32]byte, ok bool) once {
	h := hmac.New(sha256.New, w.run.csrfKey)
	h.Write([]byte("merlon/once/v1\x00"))
	h.Write(pad[:])
	for _, part := range [][]byte{binding, []byte(w.r.Method + " " + w.r.URL.EscapedPath())} {
		_ = binary.Write(h, binary.BigEndian, uint64(len(part)))
		h.Write(part)
	}
	o := once{set: ok}
	h.Sum(o.seed[:0])
	h = hmac.New(sha256.New, o.seed[:]) // which needs the form's token
	h.Write([]byte("merlon/once/sum/v1\x00"))
	h.Write(sum[:])
	h.Sum(o.sum[:0])
	return o
}

// errEdited is the second arrival of a form with another text.
var errEdited = errors.New("merlon: form used before with another text")

// answer is what the second arrival of the same form gets. It rests sealed under a key that only the form itself has.
type answer struct {
	Status  int
	Kind    responseKind
	Local   string
	Body    []byte
	Policy  string // of a page: what it may load and run
	Opens   string // of a page: the browser's features that it may use, a passkey's for one
	Cookies []header.Cookie
	Clear   bool  // the form ended the session
	At      int64 // unix seconds
}

// cookieReplay is how long the second arrival of a form also gets the cookies of the first one: a double click, no more.
const cookieReplay = 30

// maxAnswer bounds what is kept of a page answered to a POST, in bytes; a longer one is not kept, and the second arrival is
// sent to the front page.
const maxAnswer = 64 << 10

func (o once) id() []byte {
	h := sha256.Sum256(append([]byte("merlon/once/id/v1\x00"), o.seed[:]...))
	return h[:]
}

func (o once) key() []byte {
	h := sha256.Sum256(append([]byte("merlon/once/key/v1\x00"), o.seed[:]...))
	return h[:]
}

// claim looks whether the form was used before: nil, nil for the first arrival; the first one's answer for the same text;
// [errEdited] for another.
func (w *walk) claim(from db.Querier, o once) (*Response, error) {
	a, err := w.kept(from, o)
	if err != nil || a == nil {
		return nil, err
	}
	return w.again(a), nil
}

// kept is [walk.claim] that answers nothing yet. An answer that is not kept any more leads to the front page.
func (w *walk) kept(from db.Querier, o once) (*answer, error) {
	if !o.set {
		return nil, nil
	}
	row, err := findOnce.One(from, o.id())
	if errors.Is(err, db.ErrNoRow) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if string(row.Sum) != string(o.sum[:]) {
		return nil, errEdited
	}
	plain, err := openOnce(o, row.Answer)
	if err != nil {
		return &answer{Status: 303, Kind: kindLocal, Local: "/"}, nil
	}
	a := new(answer)
	if err := json.Unmarshal(plain, a); err != nil {
		return nil, fmt.Errorf("merlon: answer kept for a form: %w", err)
	}
	return a, nil
}

// again prepares the first answer once more.
func (w *walk) again(a *answer) *Response {
	w.buf = append(w.buf[:0], a.Body...)
	if w.now.Unix()-a.At <= cookieReplay {
		w.cookies = append(w.cookies[:0], a.Cookies...)
	}
	h := w.ResponseWriter.Header()
	if a.Policy != "" {
		h["Content-Security-Policy"] = []string{a.Policy}
	}
	if a.Opens != "" {
		h["Permissions-Policy"] = []string{a.Opens}
	}
	w.local, w.clear = a.Local, a.Clear
	return &Response{status: a.Status, kind: a.Kind, local: a.Local}
}

// remember keeps the mark and the answer in the transaction that made it.
func (w *walk) remember(dw *db.Writer, o once, res *Response) error {
	if !o.set {
		return nil
	}
	a := answer{Status: res.status, Kind: res.kind, Local: w.local, Body: w.buf, Cookies: w.cookies, Clear: w.clear, At: w.now.Unix()}
	if h := w.ResponseWriter.Header(); res.kind == kindPage {
		a.Policy, a.Opens = h.Get("Content-Security-Policy"), h.Get("Permissions-Policy")
	}
	if res.kind == kindRedirect {
		a.Kind = kindLocal
	}
	sealed := []byte{} // not NULL: an answer that is too long is not kept, the mark is
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

// sealOnce and openOnce use a key made from the form's token and the session it is bound to: the store has neither.
func sealOnce(o once, plain []byte) ([]byte, error) {
	box, err := newBox(o.key())
	if err != nil {
		return nil, err
	}
	return box.Seal(nil, nil, plain, o.id()), nil
}

func openOnce(o once, sealed []byte) ([]byte, error) {
	box, err := newBox(o.key())
	if err != nil {
		return nil, err
	}
	return box.Open(nil, nil, sealed, o.id())
}

// newBox seals under a key of its own that is used once.
func newBox(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
