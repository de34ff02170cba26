package site

import (
	"errors"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/outbound/file"
)

// NewPhoto is the form of one's own photo. What is kept is a picture drawn anew, so small that a list of them is no burden.
type NewPhoto struct {
	Photo form.Image `form:"required,max_bytes=10000000,types=image/jpeg|image/png,pixels=12000000,fit=240" label:"Photo"`
}

type photoRow struct{ Photo string }

var (
	photoOf   = db.Query[photoRow](schema, "SELECT photo FROM profile WHERE member = $1 LIMIT 1")
	shownOf   = db.Query[photoRow](schema, "SELECT photo FROM profile WHERE member = $1 AND (shown = 1 OR member = $2) AND member IN (SELECT id FROM merlon_member) LIMIT 1")
	setPhoto  = db.Exec(schema, "INSERT INTO profile (member, phone, boat, about, shown, photo) VALUES ($1, '', '', '', 0, $2) ON CONFLICT (member) DO UPDATE SET photo = $2")
	dropPhoto = db.Exec(schema, "UPDATE profile SET photo = '' WHERE member = $1")
)

// addPhoto keeps a member's photo in the place of the one before.
func addPhoto(w *merlon.Write[account.User], f form.Form[NewPhoto]) (*merlon.Response, error) {
	in, ok := f.Value()
	if !ok {
		p, err := profileData(w.DB, w.User)
		p.Photo = f
		return merlon.ShowStatus(422, profileView, p), err
	}
	if err := removePhotoOf(w.DB, w.User.ID, w.Now()); err != nil {
		return nil, err
	}
	name, err := file.Keep(w.DB, in.Photo.File)
	if err != nil {
		return nil, err
	}
	_, err = setPhoto.Run(w.DB, w.User.ID, name)
	return merlon.Redirect("/profile").NoticeText("club.said.photo"), err
}

func removePhoto(w *merlon.Write[account.User], _ form.Form[struct{}]) (*merlon.Response, error) {
	if err := removePhotoOf(w.DB, w.User.ID, w.Now()); err != nil {
		return nil, err
	}
	_, err := dropPhoto.Run(w.DB, w.User.ID)
	return merlon.Redirect("/profile").NoticeText("club.said.photo-removed"), err
}

// showPhoto answers a member's photo, to members, if its owner lets them see the profile.
func showPhoto(r *merlon.Read[account.User], in ByID) (*merlon.Response, error) {
	row, err := shownOf.One(r.DB, in.ID, r.User.ID)
	if err != nil {
		return nil, err
	}
	photo, err := file.Find(r.DB, row.Photo)
	if err != nil {
		return nil, err
	}
	return merlon.File(photo), nil
}

// removePhotoOf takes away the file of a member's photo, if there is one.
func removePhotoOf(w *db.Writer, member int64, now time.Time) error {
	row, err := photoOf.One(w, member)
	switch {
	case errors.Is(err, db.ErrNoRow):
		return nil
	case err != nil:
		return err
	}
	return file.Remove(w, now, row.Photo)
}

// hasPhoto reports whether a member has a photo.
func hasPhoto(from db.Querier, member int64) (bool, error) {
	row, err := photoOf.One(from, member)
	if errors.Is(err, db.ErrNoRow) {
		return false, nil
	}
	return row.Photo != "", err
}
