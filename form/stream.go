package form

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Uploads says how the files of a body are taken.
type Uploads struct {
	Spec  *Spec // the form's: what it does not name as an upload is thrown away
	Spool Spool // where they wait
	// Allow is asked when the first file begins, about the fields before it: the token of the form is one of them, since pages
	// print it first. After a no the rest of the body is read and thrown away. Nil is a yes.
	Allow func(*Body) bool
	// Network is where the request comes from: pictures of different networks take turns to be decoded, and one network has
	// only a share of the line.
	Network string
}

// ParseUploads is [Parse] for a form with uploads: a multipart body is read in pieces of 64 KiB, files go to the spool, each
// up to the limit of its field, and what is more of them is read and thrown away. It refuses what Parse refuses. Of texts it
// takes 1 MiB in all. Call [Body.Drop] when the request is over.
//
// The error is a *[Refusal], or what the spool said.
func ParseUploads(r *http.Request, limits Limits, u Uploads) (*Body, error) {
	limits = limits.orDefault()
	if len(r.Header["Content-Encoding"]) > 0 {
		return nil, refuse(http.StatusUnsupportedMediaType, RuleContentEncoding, "the body has a Content-Encoding")
	}
	boundary, refusal := mediaType(r.Header["Content-Type"])
	if refusal != nil {
		return nil, refusal
	}
	if boundary == "" { // no file is in it
		limits.Body = min(limits.Body, MaxTexts)
		return Parse(r, limits)
	}
	if r.ContentLength > limits.Body {
		return nil, tooLarge(limits.Body)
	}
	w := &window{r: r, limit: limits.Body}
	if r.Body == nil || r.Body == http.NoBody {
		w.ended = true
	}
	p := &partReader{window: w, body: newBody(false, 0), limits: limits, uploads: u, delimiter: []byte("\r\n--" + boundary), left: MaxTexts}
	p.body.spool, p.body.ctx, p.body.network = u.Spool, r.Context(), u.Network
	err := p.all()
	if err != nil {
		p.body.Drop()
		return nil, err
	}
	return p.body, nil
}

// MaxTexts bounds the texts of a body with uploads, which are in memory; files are not.
const MaxTexts = 1 << 20

func tooLarge(limit int64) *Refusal {
	return refuse(http.StatusRequestEntityTooLarge, RuleTooLarge, fmt.Sprintf("the body has more than %d bytes", limit))
}

// A window is what is in memory of a body that goes by.
type window struct {
	r     *http.Request
	limit int64
	read  int64
	buf   []byte // what was read and not used
	room  []byte
	ended bool
}

const windowSize = 64 << 10

// fill reads until the window is full or the body has ended.
func (w *window) fill() error {
	if w.room == nil {
		w.room = make([]byte, windowSize)
	}
	n := copy(w.room, w.buf)
	for n < len(w.room) && !w.ended {
		got, err := w.r.Body.Read(w.room[n:])
		n += got
		if w.read += int64(got); w.read > w.limit {
			return tooLarge(w.limit)
		}
		switch {
		case err == io.EOF:
			if w.r.ContentLength > 0 && w.read != w.r.ContentLength {
				return malformed("the body does not have its Content-Length: it was cut, or read before")
			}
			w.ended = true
		case err != nil:
			var over *http.MaxBytesError
			if errors.As(err, &over) {
				return tooLarge(over.Limit)
			}
			return malformed("the body ended before its time")
		}
	}
	w.buf = w.room[:n]
	return nil
}

// partReader splits a body that goes by as [Body.multipart] splits one in memory.
type partReader struct {
	*window
	body      *Body
	limits    Limits
	uploads   Uploads
	delimiter []byte // with the line break before it
	left      int64  // bytes that texts may still have
	asked     bool
	allowed   bool
}

func (p *partReader) all() error {
	if err := p.fill(); err != nil {
		return err
	}
	behind, refusal := behindPreamble(p.buf, p.delimiter)
	if refusal != nil {
		return refusal
	}
	p.buf = behind
	for {
		// The window stands behind a boundary. A header has at most a few short lines, so a full window holds it.
		if err := p.fill(); err != nil {
			return err
		}
		if bytes.HasPrefix(p.buf, []byte("--")) {
			if rest := p.buf[2:]; !p.ended || len(rest) > 0 && string(rest) != "\r\n" {
				return malformed("the multipart body goes on after its end")
			}
			return nil
		}
		if !bytes.HasPrefix(p.buf, []byte("\r\n")) {
			return malformed("a multipart boundary is not on a line of its own")
		}
		e, rest, refusal := partHeader(p.buf[2:])
		if refusal != nil {
			return refusal
		}
		p.buf = rest
		e.name = strings.Clone(e.name) // the window goes on
		if err := p.part(&e); err != nil {
			e.up.drop()
			return err
		}
		if refusal := p.body.add(e, p.limits); refusal != nil {
			e.up.drop()
			return refusal
		}
	}
}

// part reads one part up to the boundary behind it.
func (p *partReader) part(e *entry) error {
	if !e.file {
		var text bytes.Buffer
		err := p.content(func(b []byte) error {
			if p.left -= int64(len(b)); p.left < 0 {
				return refuse(http.StatusRequestEntityTooLarge, RuleTooLarge, fmt.Sprintf("the texts of the body have more than %d bytes", MaxTexts))
			}
			if text.Len()+len(b) > p.limits.Field {
				return refuse(http.StatusRequestEntityTooLarge, RuleTooLarge, fmt.Sprintf("the field %q has more than %d bytes", cut(e.name), p.limits.Field))
			}
			text.Write(b)
			return nil
		})
		e.value = text.String()
		return err
	}
	if !p.asked {
		p.asked, p.allowed = true, p.uploads.Allow == nil || p.uploads.Allow(p.body)
	}
	e.up = &upload{client: clientName(strings.Clone(e.filename)), sent: e.filename != ""}
	e.filename = ""
	f := p.field(e.name)
	sum := sha256.New()
	err := p.content(func(b []byte) error {
		sum.Write(b)
		e.up.size += int64(len(b))
		return p.keep(e.up, f, b)
	})
	e.value = string(sum.Sum(nil)) // for Body.Sum
	switch {
	case err != nil || f == nil || !p.allowed:
		return err
	case e.up.size > 0:
		e.up.sent = true
	case e.up.sent: // a file of no bytes
		e.up.file = emptyFile{}
	}
	return nil
}

// keep writes a piece of a file where it waits, if it is one that the form takes.
func (p *partReader) keep(u *upload, f *field, b []byte) (err error) {
	switch {
	case f == nil || !p.allowed || u.over || u.full || len(b) == 0:
		return nil
	case u.size > f.MaxBytes:
		u.over = true
		u.drop()
		return nil
	case u.file == nil:
		if u.file, err = p.uploads.Spool.Wait(); err != nil {
			u.file = nil
		}
	}
	if err == nil {
		_, err = u.file.Write(b)
	}
	if errors.Is(err, ErrNoRoom) { // the rest of the body is read still: the other fields are shown again
		u.full = true
		u.drop()
		return nil
	}
	return err
}

// field is the upload field of a name that no part before has filled, nil if there is none.
func (p *partReader) field(name string) *field {
	at, ok := p.uploads.Spec.body[name]
	if !ok || !p.uploads.Spec.fields[at].Kind.isUpload() {
		return nil
	}
	for i := range p.body.entries {
		if p.body.entries[i].name == name {
			return nil
		}
	}
	return &p.uploads.Spec.fields[at]
}

// content hands on what stands before the next boundary.
func (p *partReader) content(each func([]byte) error) error {
	if bytes.HasPrefix(p.buf, p.delimiter[2:]) { // the window was filled before the header
		return malformed(boundaryInPlace)
	}
	for {
		i := bytes.Index(p.buf, p.delimiter[1:])
		if i >= 0 {
			if i == 0 || p.buf[i-1] != '\r' {
				return malformed("a multipart boundary is behind a bare line feed")
			}
			if err := each(p.buf[:i-1]); err != nil {
				return err
			}
			p.buf = p.buf[i+len(p.delimiter)-1:]
			return nil
		}
		if p.ended {
			return malformed("the multipart body has no end")
		}
		// What may be the beginning of a boundary stays, with the byte before it.
		if n := len(p.buf) - len(p.delimiter); n > 0 {
			if err := each(p.buf[:n]); err != nil {
				return err
			}
			p.buf = p.buf[n:]
		}
		if err := p.fill(); err != nil {
			return err
		}
	}
}

// emptyFile stands for a file of no bytes.
type emptyFile struct{}

func (emptyFile) Write(p []byte) (int, error)       { return len(p), nil }
func (emptyFile) ReadAt([]byte, int64) (int, error) { return 0, io.EOF }
func (emptyFile) Sync() error                       { return nil }
func (emptyFile) Drop() error                       { return nil }
