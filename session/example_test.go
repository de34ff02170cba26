package session_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/header"
	"github.com/merlon-web/merlon/session"
	"github.com/merlon-web/merlon/sqlite"
)

var language = session.NewKey[string]("example.language")

// The room works with plain net/http: load, begin in the write transaction, save, set the cookie after the commit.
func Example() {
	dir, _ := os.MkdirTemp("", "session")
	defer os.RemoveAll(dir)
	ctx := context.Background()
	engine := sqlite.Engine("site.db")
	manager, err := session.New(session.Config{Name: "shop", Secret: func(string) []byte { return make([]byte, 32) }}) // a site: its key ring
	if err != nil {
		panic(err)
	}
	if err := engine.Open(ctx, dir, manager.Schema()); err != nil {
		panic(err)
	}
	defer engine.Close()
	if _, err := engine.Migrate(ctx); err != nil {
		panic(err)
	}
	site := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		reader := engine.Read(r.Context())
		defer reader.Close()
		state, err := manager.Load(reader, r)
		if err != nil {
			http.Error(rw, "later", http.StatusServiceUnavailable)
			return
		}
		if r.Method != http.MethodPost { // a real site checks the form's token of room csrf, bound to state.Binding()
			lang, ok := language.Get(state.Reader())
			fmt.Fprintf(rw, "user %d, %q, %v", state.User(), lang, ok)
			return
		}
		var set header.Cookie
		var any bool
		err = engine.Write(r.Context(), func(_ context.Context, w *db.Writer) error {
			sw, err := manager.Begin(state, w)
			if err != nil {
				return err
			}
			language.Set(sw, "en")
			_ = sw.Rotate(session.Level{User: 7, Factors: 1}) // Save returns what is overlooked here
			set, any = sw.Cookie()
			return sw.Save()
		})
		if err != nil || any && header.SetCookie(rw.Header(), set) != nil {
			http.Error(rw, "later", http.StatusServiceUnavailable)
		}
	})
	answer := httptest.NewRecorder()
	site.ServeHTTP(answer, httptest.NewRequest("POST", "/sign-in", nil))
	cookie := answer.Result().Cookies()[0]
	fmt.Println(cookie.Name, len(cookie.Value), cookie.Secure, cookie.HttpOnly, cookie.SameSite == http.SameSiteLaxMode)
	next := httptest.NewRequest("GET", "/", nil)
	next.AddCookie(cookie)
	answer = httptest.NewRecorder()
	site.ServeHTTP(answer, next)
	fmt.Println(answer.Body)
	// Output:
	// __Host-shop-session 43 true true true
	// user 7, "en", true
}
