package backup

import (
	"strconv"
	"time"

	"github.com/merlon-web/merlon"
)

// backFile is what the site that is back knows of how it came: it is another process's, or another start's, that got it back.
const backFile = "back.json"

// backTime is how long the page tells it.
const backTime = time.Hour

// A cameBack is the most important of what came of getting a site back by the page. It names nobody: the page shows it to
// whoever sits at the machine.
type cameBack struct {
	At      time.Time `json:"at"`
	Instant time.Time `json:"instant"`
	Mails   int64     `json:"mails_held"`
	Jobs    int64     `json:"jobs_held"`
	Uploads int       `json:"uploads_missing"`
	GoesOn  bool      `json:"goes_on"`
}

func (f *fetched) back(now time.Time) *cameBack {
	return &cameBack{now, f.point.Instant, f.result.Of("mails held"), f.result.Of("jobs held"), len(f.missing), f.reborn}
}

// readBack returns what the page tells; nil when nothing was got back of late, or nothing can be read of it.
func (h home) readBack(now time.Time) (told []merlon.Said) {
	var b cameBack
	if err := h.read(backFile, &b); err != nil || now.Before(b.At) || now.Sub(b.At) > backTime {
		return nil
	}
	say := func(id string, args ...any) { told = append(told, merlon.Said{ID: id, Args: args}) }
	say("backup.back.done-lost", b.Instant.UTC().Format("2006-01-02 15:04:05 MST"))
	if b.Uploads > 0 {
		say("backup.back.done-uploads", strconv.Itoa(b.Uploads))
	}
	if b.Mails > 0 {
		say("backup.back.done-mails", strconv.FormatInt(b.Mails, 10))
	}
	if b.Jobs > 0 {
		say("backup.back.done-jobs", strconv.FormatInt(b.Jobs, 10))
	}
	say("backup.back.done-returned")
	if !b.GoesOn {
		say("backup.back.done-anew")
	}
	return told
}
