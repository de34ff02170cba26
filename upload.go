package merlon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/csrf"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/header"
	"github.com/merlon-web/merlon/outbound/file"
)

// minRate is how many bytes a second a visitor must send or take on the average, in the long run, for a file to go through.
const minRate = 16 << 10

// parse reads the body in the way that the route takes. Files that come with it wait until [walk.dropUploads]; keep says
// whether they are to be taken at all.
func (w *walk) parse(keep bool) (*form.Body, error) {
	rt := w.route
	limits := form.Limits{Body: rt.opt.maxBody}
	switch {
	case rt.opt.json:
		return form.ParseJSON(w.r, limits)
	case rt.spec == nil || !rt.spec.HasUpload():
		return form.Parse(w.r, limits)
	}
	w.spool = w.run.house.Files.For(w.state.User())
	control := http.NewResponseController(w.ResponseWriter)
	w.r.Body = &steady{ReadCloser: w.r.Body, control: control, begun: time.Now()}
	body, err := form.ParseUploads(w.r, limits, form.Uploads{Spec: rt.spec, Spool: w.spool,
		Allow: func(b *form.Body) bool { return keep && w.allowsFiles(b) }, Network: w.client.Network().String()})
	w.uploads = body
	w.widen()
	return body, err
}

// widen gives an answer to a form with uploads the time of any other, however long the body took, and then its pictures. A
// writer that cannot has its limits elsewhere.
func (w *walk) widen() {
	control := http.NewResponseController(w.ResponseWriter)
	_ = control.SetReadDeadline(time.Now().Add(writeTimeout))
	_ = control.SetWriteDeadline(time.Now().Add(writeTimeout))
}

// picturesRetry is when the pictures that wait now have been decoded or given up.
const picturesRetry = 20 * time.Second

// allowsFiles asks for the token before a file is written anywhere: the hidden field stands first in each form of a page.
func (w *walk) allowsFiles(b *form.Body) bool {
	if w.route.opt.noToken != nil {
		return true
	}
	token, _ := b.Look(csrf.FieldName)
	for _, binding := range [][]byte{w.state.Binding(), w.state.Replaced()} {
		if binding == nil {
			continue
		}
		if _, ok := csrf.VerifyToken(w.run.csrfKey, binding, w.route.id(), token); ok {
			return true
		}
	}
	return false
}

// fullDisk tells of a disk that had no room for what came with the body.
func (w *walk) fullDisk() {
	if w.spool != nil && w.spool.Full() {
		w.noRoom = http.StatusInsufficientStorage
		w.refused(file.RuleDisk)
	}
}

// room holds, with the transaction open, that whoever sent the files of a form may keep them; else the handler gets it with what is
// wrong at its fields.
func room[In any](w *walk, dw *db.Writer, f form.Form[In]) (form.Form[In], error) {
	if w.spool == nil {
		return f, nil
	}
	err := file.Fits(dw, f.Uploads()...)
	over, ok := errors.AsType[*file.Over](err)
	if !ok {
		return f, err
	}
	w.overQuota(over)
	if over.Owner == file.Visitor { // it is not theirs to make room
		return f.NoRoom(form.MsgNoRoom), nil
	}
	return f.NoRoom(form.MsgQuota), nil
}

// overQuota tells of files that their sender may not keep.
func (w *walk) overQuota(o *file.Over) {
	w.noRoom = http.StatusRequestEntityTooLarge
	w.refused(file.RuleQuota, slog.Int64("used", o.Used), slog.Int64("more", o.More), slog.Int64("most", o.Most))
}

// withoutRoom gives the page of a form whose files had no room the status that says so. A page that a handler shows as any other
// form with a problem (422) is meant, whatever else is wrong with it.
func (w *walk) withoutRoom(res *Response) *Response {
	if w.noRoom == 0 || res == nil || res.status != http.StatusUnprocessableEntity {
		return res
	}
	told := *res
	told.status = w.noRoom
	return &told
}

// dropUploads deletes what came with the body and was not kept.
func (w *walk) dropUploads() { w.uploads.Drop() }

// steady widens the time for a body as it comes: 15 seconds, and one more for each 16 KiB that arrived. Who sends slower than
// that is cut off as on any other route.
type steady struct {
	io.ReadCloser
	control *http.ResponseController
	begun   time.Time
	got     int64
	told    int64
}

// Read implements [io.Reader].
func (s *steady) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	if s.got += int64(n); s.got-s.told >= 64<<10 {
		s.told = s.got
		_ = s.control.SetReadDeadline(s.begun.Add(readTimeout + atMinRate(s.got)))
	}
	return n, err
}

func atMinRate(n int64) time.Duration { return time.Duration(n/minRate) * time.Second }

// File answers a GET with a kept upload ([file.Find]). A picture is shown; anything else is saved, under the visitor's name
// for it. The type is the one that was proven when it was kept, and the answer is inert: its policy lets nothing run, nothing
// load and no page frame it. Parts of it may be asked for (Range). Who may have it is the route's rule, and what its handler
// looks up: a name that nobody can guess is no right.
//
//	i, err := file.Find(r.DB, in.Photo)
//	if err != nil { return nil, err }        // db.ErrNoRow is a 404
//	return merlon.File(i), nil
func File(i file.Info) *Response {
	return &Response{status: http.StatusOK, kind: kindFile, file: i}
}

// filePolicy is that of a kept upload: also if a browser showed it as a page, nothing in it would be one.
var filePolicy = []string{"sandbox; default-src 'none'; frame-ancestors 'none'"}

// sendFile writes a kept upload.
func (w *walk) sendFile(i file.Info) {
	content := w.file
	w.file = nil
	defer content.Close()
	w.closeReader()
	w.setCookies()
	h := w.ResponseWriter.Header()
	kind, disposition := i.Type, "inline"
	switch i.Type {
	case "image/jpeg", "image/png", "image/gif":
	default:
		disposition = header.Attachment(i.Client)
		if i.Type == "text/plain" || i.Type == "text/csv" {
			kind += "; charset=utf-8"
		}
	}
	h["Content-Type"], h["Content-Disposition"], h["Content-Security-Policy"] = []string{kind}, []string{disposition}, filePolicy
	h["Etag"] = []string{strconv.Quote(i.Hash[:32])}
	_ = http.NewResponseController(w.ResponseWriter).SetWriteDeadline(time.Now().Add(writeTimeout + atMinRate(i.Size)))
	w.begun.Store(true)
	http.ServeContent(w.ResponseWriter, w.r, "", time.UnixMicro(i.Created), content)
}

// takesUploads reports whether a form of the site has an upload: then there is a table of them.
func (s *Site) takesUploads() bool {
	for _, rt := range s.routes {
		if rt.spec != nil && rt.spec.HasUpload() {
			return true
		}
	}
	return false
}

// uploadTask deletes uploads that nothing refers to any more.
func uploadTask() Task {
	return Task{Name: "merlon/uploads", Every: time.Hour, Run: func(ctx context.Context, h *House) error {
		_, err := h.Files.Collect(ctx, h.Engine)
		return err
	}}
}

// checkFields finds fields for files that nobody may keep. What is kept of a picture is smaller than what is sent.
func (s *Site) checkFields(context.Context) (found []check.Finding) {
	most := s.env.Settings.Uploads.OrDefault().User
	for _, rt := range s.routes {
		if rt.spec == nil {
			continue
		}
		for _, f := range rt.spec.Fields() {
			if f.Kind == form.KindFile && f.MaxBytes > most {
				found = append(found, file.RuleField.Finding("route "+strconv.Quote(rt.pattern), fmt.Sprintf("the field %s takes a file of %d bytes, and a user may keep %d", f.Name, f.MaxBytes, most), "set uploads.user to some of the largest files, or max_bytes to less"))
			}
		}
	}
	return found
}

// TakesUploads reports whether a form of the site has an upload.
func (h *House) TakesUploads() bool { return h.site.takesUploads() }
