package main

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/password"
	"github.com/merlon-web/merlon/secret"
)

// The site of row flood: the bench site with accounts, and with a second sign-in that computes the same hash for whoever
// comes, at once.

//go:embed floodpages
var floodFiles embed.FS

var (
	floodPages    = page.From(floodFiles, "floodpages")
	unboundedPage = page.New[unbounded](floodPages, "unbounded.html")
)

type (
	unbounded struct{}
	guess     struct {
		Email    string        `form:"email,required,max=254" label:"E-mail address"`
		Password secret.String `form:"password,required,max=1024" label:"Password"`
	}
)

const (
	ownerEmail    = "owner@example.org"
	ownerPassword = "lantern orchard ferry 47 anvil"
	floodSessions = 1000 // visitors whose pages are timed
)

// floodParts are accounts at a cost, and the unbounded sign-in at the same.
func floodParts(cost password.Params) []merlon.Part {
	u := unboundedSignIn{cost}
	return []merlon.Part{
		account.New(account.Config{Home: "/notes", Hashing: cost}),
		{Name: "unbounded", Pages: floodPages, Routes: []merlon.Route{
			merlon.Get("/unbounded", merlon.Public(), u.show),
			merlon.PostAfter("/unbounded", merlon.Public(), u.hash, u.refuse),
		}},
	}
}

type unboundedSignIn struct{ cost password.Params }

func (unboundedSignIn) show(*merlon.Read[merlon.Visitor], merlon.None) (*merlon.Response, error) {
	return merlon.Show(unboundedPage, unbounded{}), nil
}

// hash is what room password guards against: a hash for everybody, all at the same time.
func (u unboundedSignIn) hash(_ *merlon.Read[merlon.Visitor], f form.Form[guess]) (bool, error) {
	in, ok := f.Value()
	if !ok {
		return false, errors.New("the flood sends whole forms")
	}
	salt := []byte("0123456789abcdef")
	return len(argon2.IDKey([]byte(in.Password.Reveal()), salt, u.cost.Time, u.cost.Memory, 1, 32)) == 0, nil
}

func (unboundedSignIn) refuse(_ *merlon.Write[merlon.Visitor], _ form.Form[guess], ok bool) (*merlon.Response, error) {
	return merlon.ShowStatus(http.StatusUnprocessableEntity, unboundedPage, unbounded{}), nil
}

// serveFlood is the handler of a child; what a hash costs was calibrated once, for both sides.
func serveFlood(dir string) (http.Handler, error) {
	text, err := os.ReadFile(filepath.Join(dir, "cost.json"))
	if err != nil {
		return nil, err
	}
	var cost password.Params
	if err := json.Unmarshal(text, &cost); err != nil {
		return nil, err
	}
	return openSite(context.Background(), dir, floodParts(cost)...)
}

// seedFlood makes the data of one side: sessions whose pages are timed, and an owner who has a password.
func seedFlood(ctx context.Context, dir string, cost *password.Params) (cookies []string, err error) {
	if cookies, err = seedSite(ctx, dir, floodSessions, floodParts(*cost)...); err != nil {
		return nil, err
	}
	site, err := openSite(ctx, dir, floodParts(*cost)...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, site.Close(ctx)) }()
	house := site.House()
	hasher, err := password.New(password.Config{Pepper: house.Keys.For("merlon/password/v1"), Clock: time.Now, Params: *cost})
	if err != nil {
		return nil, err
	}
	*cost = hasher.Params()
	hash, err := hasher.Hash(ctx, secret.New(ownerPassword), password.From{})
	if err != nil {
		return nil, err
	}
	err = house.Engine.Write(quiet(ctx), func(_ context.Context, w *db.Writer) error {
		_, err := account.Create(w, ownerEmail, "Owner", hash, time.Now())
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("make the owner: %w", err)
	}
	text, err := json.Marshal(cost)
	if err != nil {
		return nil, err
	}
	return cookies, os.WriteFile(filepath.Join(dir, "cost.json"), text, 0o600)
}
