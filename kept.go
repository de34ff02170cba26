package merlon

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"html"
	"log/slog"
	"net/http"
	"time"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
)

// What was typed into a form that asked for a fresh sign-in ([ErrAgain]) is kept while the visitor shows once more who it
// is: sealed in a row under a key that only the visitor's cookie has, for a quarter of an hour, the last form of each user.
// Passwords are not kept.

// keptPath is the page that shows a kept form again. It is where a sign-in that a form asked for leads back to.
const keptPath = "/_merlon/kept"

const keptLife = 15 * time.Minute

// maxKept bounds what is kept of one form, in bytes.
const maxKept = 256 << 10

var (
	findKept  = db.Query[keptRow](schema, "SELECT box, expires FROM merlon_kept WHERE \"user\" = $1 LIMIT 1")
	storeKept = db.Exec(schema, "INSERT INTO merlon_kept (\"user\", box, expires) VALUES ($1, $2, $3) ON CONFLICT (\"user\") DO UPDATE SET box = excluded.box, expires = excluded.expires")
	sweepKept = db.Exec(schema, "DELETE FROM merlon_kept WHERE expires < $1")

	keptCookie = NewCookie[[]byte]("kept", keptLife) // the key
)

type keptRow struct {
	Box     []byte
	Expires int64
}

// keptForm is a form as room form printed it, and where it goes.
type keptForm struct {
	Route string
	Path  string
	HTML  []byte
	Files bool `json:",omitempty"` // it has an upload
}

// keepForm takes a POST whose sender is to sign in again: what was typed is kept, and the visitor sent to sign in.
func keepForm[In any](w *walk, again string) {
	w.closeReader()
	body, err := w.parse(false)
	if err != nil {
		w.badInput(err)
		return
	}
	_, fresh := w.checkToken(body)
	f, bound := form.Bind[In](body, w.r.PathValue)
	switch {
	case bound.Refusal != nil:
		w.badInput(bound.Refusal)
	case !fresh:
		w.stale(f, w.tokenFault())
	default:
		next := keptPath
		if err := w.keep(f); err != nil {
			w.site.log.LogAttrs(w.ctx, slog.LevelError, "a form could not be kept", slog.String("route", w.routeID()), slog.String("error", err.Error()))
			next = ""
		}
		w.toSignInFor(again, next)
	}
}

var errKeepTooLong = errors.New("merlon: what was typed is longer than what is kept through a sign-in: the visitor types it again")

func (w *walk) keep(f form.Any) error {
	kept := keptForm{Route: w.route.id(), Path: w.r.URL.EscapedPath(), HTML: w.formTexts().AppendAgain(nil, f), Files: f.FormSpec().HasUpload()}
	if len(kept.HTML) > maxKept {
		return errKeepTooLong
	}
	plain, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	box, err := newBox(key)
	if err != nil {
		return err
	}
	user := w.state.User()
	sealed := box.Seal(nil, nil, plain, keptOwner(user))
	err = w.run.engine.Write(w.ctx, func(_ context.Context, dw *db.Writer) error {
		_, err := storeKept.Run(dw, user, sealed, w.now.Add(keptLife).UnixMicro())
		return err
	})
	if err != nil {
		return err
	}
	return keptCookie.give(w, key)
}

// keptOwner binds a kept form to its user.
func keptOwner(user int64) []byte {
	return binary.BigEndian.AppendUint64([]byte("merlon/kept/v1\x00"), uint64(user))
}

// ownSession is anybody who is signed in, by whatever part.
var ownSession = NewAccess("signed in", func(v *Visit) (Visitor, error) {
	if v.Session.User() == 0 {
		return Visitor{}, ErrSignIn
	}
	return Visitor{}, nil
})

// showKept shows a kept form to its user, with a fresh token and a button. Nothing was done yet.
func (s *Site) showKept(r *Read[Visitor], _ None) (*Response, error) {
	key, has := keptCookie.Get(r)
	if !has {
		return Gone(), nil
	}
	user := r.Session.User()
	row, err := findKept.One(r.DB, user)
	if errors.Is(err, db.ErrNoRow) || err == nil && row.Expires <= r.Now().UnixMicro() {
		return Gone(), nil
	}
	if err != nil {
		return nil, err
	}
	box, err := newBox(key)
	if err != nil {
		return nil, err
	}
	plain, err := box.Open(nil, nil, row.Box, keptOwner(user))
	if err != nil {
		return Gone(), nil // a later form of the same user, kept in another browser
	}
	var kept keptForm
	if err := json.Unmarshal(plain, &kept); err != nil {
		return nil, err
	}
	w := r.asWalk()
	return ShowStatus(http.StatusOK, stalePage, StalePage{Text: w.say("stale.again"), Form: w.sendAgain(kept.Route, kept.Path, kept.HTML, kept.Files)}), nil
}

// ownMarkup is of forms that room form writes.
var ownMarkup = page.InsecureHTML("the form is written by room form, which escapes every value")

// sendAgain is a form with what was typed, a fresh token and a button.
func (w *walk) sendAgain(route, path string, fields []byte, files bool) page.HTML {
	w.forms = []string{route}
	b := append([]byte(nil), `<form method="post" action="`...)
	b = append(b, html.EscapeString(path)...)
	b = append(b, '"')
	if files {
		b = append(b, ` enctype="multipart/form-data"`...)
	}
	b = append(b, '>')
	b = w.AppendField(b, 0)
	b = append(b, fields...)
	b = append(b, `<p><button>`+html.EscapeString(w.say("stale.send"))+`</button></p></form>`...)
	return ownMarkup.HTML(string(b))
}
