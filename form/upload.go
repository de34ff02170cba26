package form

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"reflect"
)

// A Spool is where uploads wait while their form is judged: on a disk, never whole in memory. It must be safe for concurrent
// use. Room outbound/file has one.
type Spool interface {
	// Wait makes an empty file, under a name of the spool's own. Its error is [ErrNoRoom] where the disk has no room for one.
	Wait() (Waiting, error)
}

// ErrNoRoom is what a [Spool] and its files say of a disk that is as full as it may be. The field is shown with [MsgNoRoom] then,
// and the other ones keep what was typed; any other error refuses the request.
var ErrNoRoom = errors.New("form: the disk has no room for an upload")

// A Waiting is one file of a [Spool]. It belongs to one request.
type Waiting interface {
	io.Writer // the error may be [ErrNoRoom]
	io.ReaderAt
	// Sync makes what was written durable: it is called once, when the upload has passed, with no transaction open. The error
	// may be [ErrNoRoom].
	Sync() error
	// Drop deletes the file, unless it was kept. A second call does nothing.
	Drop() error
}

// A File is an upload that has passed: its bytes are of the type that they say, and within the limits of its field. The zero
// File is one that was not given. It is good as long as its request; room outbound/file keeps it longer. It is read by one
// goroutine at a time.
//
//	Minutes form.File `form:"required,max_bytes=2000000,types=application/pdf|text/plain"`
type File struct{ up *upload }

// An Image is a [File] that is a picture, decoded and encoded anew: nothing of the sent file is in it but the colours of its
// pixels, no metadata (where it was taken), no second file behind it. It stands as its camera was held. Of an animation the
// first picture stays.
//
//	Photo form.Image `form:"max_bytes=8000000,types=image/jpeg|image/png,pixels=40000000,fit=512"`
type Image struct{ File }

// upload is one file of a body.
type upload struct {
	client string // the browser's name for it, cleaned
	sent   bool   // a file was chosen
	size   int64  // bytes sent
	over   bool   // more than the field takes: nothing of it is kept
	full   bool   // more than the disk takes: likewise
	file   Waiting
	sum    [sha256.Size]byte // of what waits
	typ    string
	width  int
	height int
}

// Given reports whether a file was sent.
func (f File) Given() bool { return f.up != nil && f.up.file != nil }

// Name is what the file is called on the visitor's machine, for showing and never for a path: the last part of the sent name,
// without control and bidi characters, at most 255 bytes; "file" when nothing of it is left, "" when no file was given.
func (f File) Name() string {
	if f.up == nil {
		return ""
	}
	return f.up.client
}

// Type is the media type that the bytes were found to have, one of the field's types.
func (f File) Type() string {
	if f.up == nil {
		return ""
	}
	return f.up.typ
}

// Size is the number of bytes: of a picture, of the new encoding.
func (f File) Size() int64 {
	if f.up == nil {
		return 0
	}
	return f.up.size
}

// Pixels are the width and height of a picture, 0 of other files.
func (f File) Pixels() (width, height int) {
	if f.up == nil {
		return 0, 0
	}
	return f.up.width, f.up.height
}

// SHA256 is the hash of the bytes.
func (f File) SHA256() (sum [sha256.Size]byte) {
	if f.up != nil {
		sum = f.up.sum
	}
	return sum
}

// Open returns the bytes, from the start.
func (f File) Open() *io.SectionReader {
	if !f.Given() {
		return io.NewSectionReader(nothing{}, 0, 0)
	}
	return io.NewSectionReader(f.up.file, 0, f.up.size)
}

// Waiting returns the file of the [Spool], nil when none was given: what keeps it knows its own.
func (f File) Waiting() Waiting {
	if f.up == nil {
		return nil
	}
	return f.up.file
}

// String returns type and size, never the name or the bytes.
func (f File) String() string {
	if !f.Given() {
		return "no file"
	}
	return fmt.Sprintf("%s of %d bytes", f.up.typ, f.up.size)
}

// GoString is [File.String].
func (f File) GoString() string { return f.String() }

// LogValue implements [slog.LogValuer] as [File.String].
func (f File) LogValue() slog.Value { return slog.StringValue(f.String()) }

type nothing struct{}

func (nothing) ReadAt([]byte, int64) (int, error) { return 0, io.EOF }

// drop deletes what waits.
func (u *upload) drop() {
	if u != nil && u.file != nil {
		_ = u.file.Drop()
		u.file = nil
	}
}

// judgeUpload finds out what an upload is, and says what is wrong with it. The error is of the disk, or a *Refusal.
func (f *field) judgeUpload(u *upload, c *content) (problem string, err error) {
	switch {
	case u.over:
		return MsgTooLarge, nil
	case u.full:
		return MsgNoRoom, nil
	case u.file == nil: // it was not kept, since the form is refused as a whole
		return "", nil
	case u.size == 0:
		return MsgEmptyFile, nil
	}
	if u.typ, err = f.sniff(u); err != nil {
		return "", err
	}
	switch {
	case u.typ == "":
		return MsgType, nil
	case isPicture(u.typ):
		if problem, err = f.redraw(u, c); problem != "" || err != nil {
			return problem, err
		}
	default:
		if err := u.hash(); err != nil {
			return "", err
		}
	}
	return "", u.file.Sync()
}

// hash takes the hash of what waits.
func (u *upload) hash() error {
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(u.file, 0, u.size)); err != nil {
		return err
	}
	h.Sum(u.sum[:0])
	return nil
}

// Uploads returns the files that came with a form and passed, in the order of its fields; none if the form has a problem, other
// than choices that were not offered yet. A copy of the form has none.
func (f Form[T]) Uploads() (all []File) {
	if f.state == nil || f.state.failedItself() {
		return nil
	}
	for i := range f.state.spec.fields {
		if up := (File{f.state.uploads[i]}); up.Given() {
			all = append(all, up)
		}
	}
	return all
}

// NoRoom returns a copy of the form whose files are refused: each that passed is shown with the message, [MsgQuota] or
// [MsgNoRoom], and Value answers false.
func (f Form[T]) NoRoom(id string) Form[T] {
	st := f.state.clone(f.FormSpec())
	for i := range st.spec.fields {
		if f.state != nil && (File{f.state.uploads[i]}).Given() {
			st.problems = append(st.problems, problemOf{field: i, id: id})
		}
	}
	return Form[T]{f.value, st}
}

// Drop deletes the files of the body that nobody has kept. It is to be called when the request is over, whatever came of it.
func (b *Body) Drop() {
	if b == nil || b.behind == nil {
		return
	}
	for i := range b.entries {
		b.entries[i].up.drop()
	}
}

// addUpload notes what came for an upload field. The refusal is for a second file.
func (st *state) addUpload(at int, e *entry) *Refusal {
	f, t := &st.spec.fields[at], &st.typed[at]
	switch _, twice := st.uploads[at]; {
	case twice || t.given:
		return refuse(400, RuleTwice, fmt.Sprintf("the field %q was given twice", f.Name))
	case !e.file || e.up == nil: // text, or a file of a body that was read without a spool
		t.given = e.file || e.value != ""
		if t.given {
			st.problems = append(st.problems, problemOf{field: at, id: MsgFile})
		}
		return nil
	}
	if st.uploads == nil {
		st.uploads = map[int]*upload{}
	}
	st.uploads[at] = e.up
	t.given = e.up.sent
	return nil
}

// bindUpload judges what came for an upload field and stores it.
func (st *state) bindUpload(at int, c *content, into reflect.Value) *Refusal {
	f, u := &st.spec.fields[at], st.uploads[at]
	problem := ""
	switch {
	case u != nil && u.sent:
		var err error
		problem, err = f.judgeUpload(u, c)
		switch refusal, ok := err.(*Refusal); {
		case ok:
			return refusal
		case errors.Is(err, ErrNoRoom):
			problem = MsgNoRoom
		case err != nil:
			return refuse(500, RuleSpool, "the file could not be kept while it was judged: "+err.Error())
		}
	case f.Required && !st.typed[at].given:
		problem = MsgRequired
	}
	if problem != "" {
		st.problems = append(st.problems, problemOf{field: at, id: problem})
		u.drop()
		return nil
	}
	if u == nil || u.file == nil {
		return nil
	}
	if f.Kind == KindImage {
		into.Set(reflect.ValueOf(Image{File{u}}))
	} else {
		into.Set(reflect.ValueOf(File{u}))
	}
	return nil
}
