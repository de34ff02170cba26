package csrf

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/event"
)

// HeaderName is the request header in which script may send the token instead of a form field.
const HeaderName = "Merlon-Token"

// cookieName is the cookie that [Handler] binds its tokens to. The __Host- prefix keeps sub-domains from setting it.
const cookieName = "__Host-form"

// maxBody bounds a body that is read for its token; net/http has no limit of its own for multipart.
const maxBody = 10 << 20

// Handler guards a plain net/http handler with both checks: [CheckOrigin] on every request, and the token on every request
// whose method is not GET, HEAD or OPTIONS. It is for programs that are not Merlon sites; those have it in their walk.
//
// Own is the site's one origin as browsers write it, and key at least [KeySize] random bytes, the same for all processes and
// across restarts. Handler panics when they are not, since it is called at start-up. Pages get their hidden fields from
// [Field]. The token is taken from the field merlon_token of a form, or from the header Merlon-Token. A form's body may have
// 10 MiB.
//
// A token is bound to a cookie that is set when a page with a form is shown, and to the path of the form's action; not to a
// signed-in user, whom Handler does not know. Pages may be linked to from anywhere, nothing may be framed, and files are for
// the site's own pages only.
func Handler(own string, key []byte, next http.Handler) http.Handler {
	if err := ValidOrigin(own); err != nil {
		panic(err.Error())
	}
	if len(key) < KeySize {
		panic(fmt.Sprintf("csrf: a key of %d bytes: tokens made with it can be guessed; give %d random bytes", len(key), KeySize))
	}
	g := &guard{own: []string{own}, key: append([]byte(nil), key...)}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", Vary)
		if err := CheckOrigin(r, g.own, Target{Linkable: true}); err != nil {
			refused, _ := AsRefusal(err)
			deny(w, r, refused.Rule, slog.String("reason", string(refused.Reason)), slog.String("saw", refused.Detail))
			return
		}
		v := &visit{guard: g, binding: g.cookie(r)}
		r = r.WithContext(context.WithValue(r.Context(), visitKey{}, v))
		switch r.Method {
		case http.MethodGet, http.MethodHead, http.MethodOptions:
		default:
			if _, ok := VerifyToken(g.key, v.binding, r.URL.Path, sentToken(w, r)); !ok {
				deny(w, r, RuleToken)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// Field returns the hidden field for a form that posts to action, as HTML. Call it before the page's first byte is written,
// since it may set the cookie that the token is bound to; the page is then no-store. The action is a path of the site, "" the
// page's own; a form that posts elsewhere gets no token, and Field returns "". So it does outside of a [Handler].
func Field(w http.ResponseWriter, r *http.Request, action string) string {
	v, ok := r.Context().Value(visitKey{}).(*visit)
	if !ok {
		return ""
	}
	target, err := r.URL.Parse(action)
	if err != nil || target.Opaque != "" || target.Host != "" && target.Scheme+"://"+target.Host != v.guard.own[0] {
		return ""
	}
	if v.binding == nil {
		v.binding = v.guard.mint()
		// SameSite=Lax as the session's: the page with the form may be reached by a link from a mail.
		http.SetCookie(w, &http.Cookie{Name: cookieName, Value: string(v.binding), Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	}
	w.Header().Set("Cache-Control", "no-store")
	return string(AppendHiddenField(nil, v.guard.key, v.binding, target.Path, nil))
}

type guard struct {
	own []string
	key []byte
}

// A visit is one request inside of [Handler]; like its ResponseWriter it belongs to one goroutine.
type visit struct {
	guard   *guard
	binding []byte // the cookie's value, nil while there is none
}

type visitKey struct{}

// The cookie's value is a token of its own: 32 random bytes and their MAC, so that a value which the client made up is
// never taken for one of ours.
const cookieRoute = "\x00cookie"

func (g *guard) mint() []byte { return AppendToken(nil, g.key, []byte(cookieRoute), cookieRoute, nil) }

func (g *guard) cookie(r *http.Request) []byte {
	found := r.CookiesNamed(cookieName)
	if len(found) != 1 {
		return nil
	}
	if _, ok := VerifyToken(g.key, []byte(cookieRoute), cookieRoute, found[0].Value); !ok {
		return nil
	}
	return []byte(found[0].Value)
}

// sentToken reads the token of a request, "" when there is none or more than one.
func sentToken(w http.ResponseWriter, r *http.Request) string {
	if sent := r.Header[HeaderName]; len(sent) > 0 {
		if len(sent) > 1 {
			return ""
		}
		return sent[0]
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	// All of it in memory: the server removes the temporary files of its own request only, and this one is a copy with a
	// context. ParseForm is called too; only what was found is of interest, not why something was not.
	_ = r.ParseMultipartForm(maxBody)
	if sent := r.PostForm[FieldName]; len(sent) == 1 {
		return sent[0]
	}
	return ""
}

func deny(w http.ResponseWriter, r *http.Request, rule check.Rule, detail ...slog.Attr) {
	event.Record(r.Context(), rule, event.Refused, detail...)
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, "This form was open too long or came from another site. Nothing was changed.", http.StatusForbidden)
}
