package attack_test

import (
	"bytes"
	"fmt"
	"image"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	_ "image/gif"
	_ "image/jpeg"
	_ "image/png"

	"github.com/merlon-web/merlon/attack"
)

// An album keeps one file of the user who is signed in, in the place of the one before; where it is closed by a form's token.
type album struct {
	accept string
	closed bool

	mu   sync.Mutex
	kept string
}

// ServeHTTP implements [http.Handler].
func (p *album) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	cookie, _ := r.Cookie("__Host-s")
	in := cookie != nil && cookie.Value == "ann"
	switch page := r.Method + " " + r.URL.Path; {
	case page == "POST /sign-in" && r.FormValue("name") == "ann" && r.FormValue("password") == "correct horse":
		http.SetCookie(w, &http.Cookie{Name: "__Host-s", Value: "ann", Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
		http.Redirect(w, r, "/file", http.StatusSeeOther)
	case page == "GET /sign-in" || page == "POST /sign-in":
		fmt.Fprint(w, `<title>sign in</title><form method=post><input name=name><input type=password name=password><button>in</button></form>`)
	case !in:
		http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
	case page == "GET /file" || page == "GET /":
		fmt.Fprintf(w, `<title>file</title><form method=post action=/file enctype=multipart/form-data><input type=hidden name=csrf_token value=abcdefghijklmnopqrstuvwxyz012345><input type=file name=file accept=%q><button>keep</button></form>`, p.accept)
	case page == "POST /file":
		file, _, err := r.FormFile("file")
		if err != nil || p.closed && r.FormValue("csrf_token") == "" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		all, _ := io.ReadAll(file)
		if _, _, err := image.Decode(bytes.NewReader(all)); strings.HasPrefix(p.accept, "image/") && err != nil {
			w.WriteHeader(http.StatusUnprocessableEntity)
			return
		}
		p.kept = string(all)
		http.Redirect(w, r, "/file", http.StatusSeeOther)
	default:
		http.NotFound(w, r)
	}
}

// TestForgedUpload: a file that a forged form puts in the place of another is another file each time, so that it is seen.
func TestForgedUpload(t *testing.T) {
	for _, accept := range []string{"image/png", "image/jpeg", "image/gif", "application/pdf", "text/plain", "audio/ogg"} {
		for _, closed := range []bool{false, true} {
			p := &album{accept: accept, closed: closed}
			ann := attack.User{Fields: map[string]string{"name": "ann", "password": "correct horse"}}
			state := func() string {
				p.mu.Lock()
				defer p.mu.Unlock()
				return "file: " + p.kept
			}
			report, err := attack.Probe(t.Context(), p, attack.Profile{SignIn: "/sign-in", Users: []attack.User{ann}, State: state, Starts: []string{"/file"}}, attack.Options{Classes: []string{"forgery"}, Routes: []string{"/file"}})
			if err != nil {
				t.Fatal(err)
			}
			forged := false
			for _, f := range report.Findings {
				forged = forged || f.Route == "POST /file" && strings.Contains(f.What, "with no token")
			}
			if forged == closed {
				t.Errorf("%s, closed %v: %q\n%s", accept, closed, told(report), report.Coverage)
			}
		}
	}
}
