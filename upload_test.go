package merlon_test

import (
	"bytes"
	"errors"
	"image"
	"image/png"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"embed"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/merlontest"
	"github.com/merlon-web/merlon/outbound/file"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/sqlite"
)

//go:embed testdata/uploads
var uploadFiles embed.FS

type newFile struct {
	Text string    `form:"required,max=20"`
	File form.File `form:"required,max_bytes=2000000,types=text/plain|image/png|application/pdf" label:"Your file"`
}

type filesData struct {
	Form  form.Form[newFile]
	Files []file.Info
}

type fileByName struct {
	Name string `path:"name,max=26"`
}

var (
	uploadPages = page.From(uploadFiles, "testdata/uploads/pages")
	filesPage   = page.New[filesData](uploadPages, "files.html")
	lastName    string
)

func showFiles(r *merlon.Read[merlon.Visitor], _ merlon.None) (*merlon.Response, error) {
	return merlon.Show(filesPage, filesData{}), nil
}

func addFile(w *merlon.Write[merlon.Visitor], f form.Form[newFile]) (*merlon.Response, error) {
	in, ok := f.Value()
	if !ok {
		return merlon.ShowStatus(422, filesPage, filesData{Form: f}), nil
	}
	var err error
	if lastName, err = file.Keep(w.DB, in.File); err != nil {
		return nil, err
	}
	if in.Text == "twice" {
		if _, err := file.Keep(w.DB, in.File); err != nil {
			return nil, err
		}
	}
	if in.Text == "roll back" {
		return nil, errors.New("the handler fails")
	}
	return merlon.Redirect("/files"), nil
}

func oneUpload(r *merlon.Read[merlon.Visitor], in fileByName) (*merlon.Response, error) {
	i, err := file.Find(r.DB, in.Name)
	if err != nil {
		return nil, err
	}
	return merlon.File(i), nil
}

func openUploads(env merlon.Env) (*merlon.Site, error) {
	return merlon.New(env, merlon.Config{Name: "files", Engine: sqlite.Engine("x.db"), Pages: uploadPages, Schema: noStatements, Routes: []merlon.Route{
		merlon.Get("/files", merlon.Public(), showFiles),
		merlon.Post("/files", merlon.Public(), addFile),
		merlon.Get("/files/{name}", merlon.Public(), oneUpload),
	}})
}

// waitingIn are the uploads that wait on the disk, and those that are kept.
func onDisk(t *testing.T, s *merlontest.Server) (waiting, kept []string) {
	t.Helper()
	root := filepath.Join(s.Site.House().Data, file.Folder)
	waiting, err := filepath.Glob(filepath.Join(root, "waiting", "*"))
	kept, err2 := filepath.Glob(filepath.Join(root, "kept", "*", "*"))
	if err = errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	return waiting, kept
}

func TestUploadIsServedInert(t *testing.T) {
	s := merlontest.Start(t, openUploads)
	v := s.Visitor()
	content := []byte("plain text, " + strings.Repeat("long ", 40000))
	v.Get("/files").SubmitFiles("/files", merlontest.Values{"Text": "a"}, merlontest.Upload{Field: "File", Name: `..\\evil\"\u202e.txt`, Content: content}).At("/files").Is(200)
	get := func(more ...string) {
		t.Helper()
		r, err := http.NewRequest("GET", s.URL("/files/"+lastName), nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i+1 < len(more); i += 2 {
			r.Header.Set(more[i], more[i+1])
		}
		v.Do(r)
	}
	get()
	v.Is(200)
	for name, want := range map[string]string{"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
		"Cross-Origin-Resource-Policy": "same-origin", "Accept-Ranges": "bytes"} {
		if got := v.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if d := v.Header.Get("Content-Disposition"); !strings.HasPrefix(d, "attachment; filename=") || strings.ContainsAny(d, "\\\u202e") || v.Body != string(content) {
		t.Errorf("%s, %d bytes", d, len(v.Body))
	}
	if etag := v.Header.Get("Etag"); etag == "" {
		t.Error("no ETag")
	} else if get("If-None-Match", etag); v.Status != 304 {
		t.Errorf("the same again: %d", v.Status)
	}
	if get("Range", "bytes=6-9"); v.Status != 206 || v.Body != "text" || v.Header.Get("Content-Security-Policy") == "" {
		t.Errorf("a range: %d %q", v.Status, v.Body)
	}
	if get("Range", "bytes=99999999-"); v.Status != 416 {
		t.Errorf("a range behind the end: %d", v.Status)
	}
	v.Get("/files/" + strings.Repeat("a", 26)).Is(404)

	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 9, 9))); err != nil {
		t.Fatal(err)
	}
	b.WriteString("<script>alert(1)</script>")
	v.Get("/files").SubmitFiles("/files", merlontest.Values{"Text": "a"}, merlontest.Upload{Field: "File", Name: "a.png", Content: b.Bytes()}).Is(200)
	if get(); v.Header.Get("Content-Disposition") != "inline" || v.Header.Get("Content-Type") != "image/png" || strings.Contains(v.Body, "script") {
		t.Errorf("a picture: %v", v.Header)
	}
	if waiting, kept := onDisk(t, s); len(waiting) != 0 || len(kept) != 2 {
		t.Errorf("waiting: %v, kept: %v", waiting, kept)
	}
}

// TestRefusedUploadLeavesNothing: what is wrong is told at its field, the other fields stay, and no file is left behind.
func TestRefusedUploadLeavesNothing(t *testing.T) {
	s := merlontest.Start(t, openUploads)
	v := s.Visitor()
	text := merlontest.Upload{Field: "File", Name: "a.txt", Content: []byte("text")}
	for _, c := range []struct {
		name, text string
		file       merlontest.Upload
		has        string
	}{
		{"no file", "typed", merlontest.Upload{Field: "File"}, "Your file: Choose a file."},
		{"too large", "typed", merlontest.Upload{Field: "File", Name: "a.txt", Content: bytes.Repeat([]byte("a"), 2000001)}, "Choose one of at most 2 MB."},
		{"of another type", "typed", merlontest.Upload{Field: "File", Name: "a.txt", Content: []byte("<html><script>")}, "Choose one of these: TXT, PNG, PDF."},
		{"another field", "typed far more than fits", text, "Choose the file once more"},
	} {
		v.Get("/files").SubmitFiles("/files", merlontest.Values{"Text": c.text}, c.file).Is(422).Has(c.has)
		if got := v.Value("/files", "Text"); got != c.text {
			t.Errorf("%s: the text is %q", c.name, got)
		}
	}
	v.Get("/files").SubmitFiles("/files", merlontest.Values{"Text": "roll back"}, text).Is(500)
	if v.Get("/files/" + lastName); v.Status != 404 {
		t.Errorf("an upload whose transaction was rolled back: %d", v.Status)
	}
	// without its token nothing is written to the disk, and the page asks to choose again
	v.Get("/files").SubmitFiles("/files", merlontest.Values{"Text": "stale", "merlon_token": "x"}, text).Is(403).Has("Choose the file once more")
	if !strings.Contains(v.Body, `enctype="multipart/form-data"`) || v.Value("/files", "Text") != "stale" {
		t.Error("the form shown again takes no file, or lost what was typed")
	}
	v.SubmitFiles("/files", nil, text).Is(200).At("/files")
	if waiting, kept := onDisk(t, s); len(waiting) != 0 || len(kept) != 1 {
		t.Errorf("waiting: %v, kept: %v", waiting, kept)
	}
	if !strings.Contains(s.Log.String(), "the handler fails") {
		t.Error("the failure is not in the log")
	}
}

// TestFormWithoutEnctype: a page whose form would send only the names of its files does not start.
func TestFormWithoutEnctype(t *testing.T) {
	text, err := os.ReadFile("testdata/uploads/pages/files.html")
	if err != nil || !regexp.MustCompile(`enctype="multipart/form-data"`).Match(text) {
		t.Fatal(err)
	}
	pages := page.From(uploadFiles, "testdata/uploads/wrong")
	page.New[filesData](pages, "files.html")
	_, err = merlon.New(merlon.Env{Mode: merlon.Test, Data: t.TempDir()}, merlon.Config{Engine: sqlite.Engine("x.db"), Pages: pages, Schema: noStatements,
		Routes: []merlon.Route{merlon.Post("/files", merlon.Public(), addFile), merlon.Post("/json", merlon.Public(), addFile, merlon.JSONBody())}})
	var faults check.Faults
	if !errors.As(err, &faults) || !strings.Contains(faults.Error(), "a file in a form without enctype") || !strings.Contains(faults.Error(), "a file in a form with method get") ||
		!strings.Contains(faults.Error(), "as JSON, which has no files") {
		t.Errorf("New = %v", err)
	}
}

// TestCutUpload: a visitor who goes away in the middle leaves nothing.
func TestCutUpload(t *testing.T) {
	s := merlontest.Start(t, openUploads)
	v := s.Visitor().Get("/files")
	token := v.Value("/files", "merlon_token")
	cookies := ""
	for _, name := range []string{"__Host-files-session"} {
		cookies += name + "=" + v.Cookie(name)
	}
	c, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	body := "--XX\r\nContent-Disposition: form-data; name=\"merlon_token\"\r\n\r\n" + token + "\r\n--XX\r\nContent-Disposition: form-data; name=\"File\"; filename=\"a.txt\"\r\n\r\n" + strings.Repeat("a", 300000)
	host := strings.TrimPrefix(s.Site.Origin(), "http://")
	_, err = io.WriteString(c, "POST /files HTTP/1.1\r\nHost: "+host+"\r\nOrigin: "+s.Site.Origin()+"\r\nCookie: "+cookies+"\r\nContent-Type: multipart/form-data; boundary=XX\r\nContent-Length: 500000\r\n\r\n"+body)
	if err == nil {
		err = c.(*net.TCPConn).CloseWrite()
	}
	if err != nil {
		t.Fatal(err)
	}
	line, err := textproto.NewConn(c).ReadLine()
	if !strings.Contains(line, " 400 ") {
		t.Errorf("a body that was cut: %q, %v", line, err)
	}
	c.Close()
	if waiting, kept := onDisk(t, s); len(waiting) != 0 || len(kept) != 0 {
		t.Errorf("waiting: %v, kept: %v", waiting, kept)
	}
}
