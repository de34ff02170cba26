package site

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
)

// What a member wrote stays when the member goes, by "a former member"; what tells of the member goes too.
var (
	removeProfile = db.Exec(schema, "DELETE FROM profile WHERE member = $1")
	removeSeats   = db.Exec(schema, "DELETE FROM seat WHERE member = $1")

	commentsOf = db.Query[ownComment](schema, "SELECT text, created FROM comment WHERE author = $1 ORDER BY id DESC LIMIT 1000")
	outingsOf  = db.Query[ownOuting](schema, "SELECT o.title, o.day FROM seat s JOIN outing o ON o.id = s.outing WHERE s.member = $1 ORDER BY o.day DESC LIMIT 1000")
)

type ownComment struct {
	Text    string `json:"text"`
	Created string `json:"written"`
}

type ownOuting struct {
	Title string `json:"title"`
	Day   string `json:"day"`
}

// hooks are what the club does when a member goes, or asks for the data kept of them.
var hooks = account.Hooks{Deleted: memberGone, Export: memberData}

func memberGone(_ context.Context, w *db.Writer, u account.User, now time.Time) error {
	if _, err := removeSeats.Run(w, u.ID); err != nil {
		return err
	}
	if err := removePhotoOf(w, u.ID, now); err != nil {
		return err
	}
	_, err := removeProfile.Run(w, u.ID)
	return err
}

func memberData(_ context.Context, r *db.Reader, u account.User) (map[string]any, error) {
	comments, err := commentsOf.All(r, u.ID)
	if err != nil {
		return nil, err
	}
	outings, err := outingsOf.All(r, u.ID)
	if err != nil {
		return nil, err
	}
	profile, err := profileOf.All(r, u.ID)
	data := map[string]any{"comments": comments, "outings": outings}
	for _, p := range profile {
		data["profile"] = map[string]any{"telephone": p.Phone, "boat": p.Boat, "about": p.About, "shown to members": p.Shown}
	}
	if has, photoErr := hasPhoto(r, u.ID); has || photoErr != nil { // the picture itself is at its address
		data["photo"], err = "/members/"+strconv.FormatInt(u.ID, 10)+"/photo", errors.Join(err, photoErr)
	}
	return data, err
}
