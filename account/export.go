package account

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/page"
)

// ExportPage is the data of the page account-export.html.
type ExportPage struct{}

var exportPage = page.New[ExportPage](pages, "account-export.html")

func (a *part) showExport(*merlon.Read[User], merlon.None) (*merlon.Response, error) {
	return merlon.Show(exportPage, ExportPage{}), nil
}

// An exported is what "download my data" answers: what is known of the user, and nothing that opens anything.
type exported struct {
	Schema   string          `json:"schema"`
	Made     time.Time       `json:"made"`
	Account  exportAccount   `json:"account"`
	Sessions []exportSession `json:"sessions"`
	Devices  []exportDevice  `json:"devices"`
	Events   []exportEvent   `json:"events"`
	SignIn   map[string]any  `json:"sign_in,omitempty"` // by the name of a way
	App      *time.Time      `json:"authenticator_app,omitempty"`
	Codes    int             `json:"recovery_codes_left"`
	Site     map[string]any  `json:"site,omitempty"`
}

type exportAccount struct {
	ID       int64      `json:"id"`
	Name     string     `json:"name"`
	Email    string     `json:"email"`
	Roles    []string   `json:"roles"`
	Created  time.Time  `json:"created"`
	Verified *time.Time `json:"address_proven"`
	Password bool       `json:"has_password"`
	Chosen   *time.Time `json:"password_chosen"`
}

type exportSession struct {
	Browser string    `json:"browser"`
	Network string    `json:"network"`
	Factors int       `json:"factors"`
	Began   time.Time `json:"began"`
	Seen    time.Time `json:"seen"`
	Until   time.Time `json:"until"`
}

type exportDevice struct {
	Browser string     `json:"browser"`
	Since   time.Time  `json:"since"`
	Seen    time.Time  `json:"seen"`
	Trusted *time.Time `json:"trusted_until"`
}

type exportEvent struct {
	Time    time.Time `json:"time"`
	ID      string    `json:"id"`
	Event   string    `json:"event"`
	By      string    `json:"by"`
	Browser string    `json:"browser,omitempty"`
	Network string    `json:"network,omitempty"`
}

// at is a time of a row, nil for none.
func at(micros int64) *time.Time {
	if micros == 0 {
		return nil
	}
	t := time.UnixMicro(micros).UTC()
	return &t
}

func (a *part) sendExport(r *merlon.Read[User], _ merlon.None) (*merlon.Response, error) {
	e, err := a.gather(r)
	if err != nil {
		return nil, err
	}
	body, err := json.MarshalIndent(e, "", "\t")
	if err != nil {
		return nil, fmt.Errorf("account: the data of user %d cannot be written as JSON: what Hooks.Export or a way's Export returned is no plain value; return texts, numbers, times, structs and lists of them: %w", r.User.ID, err)
	}
	r.Record(RuleExported, event.Done, slog.Int64("account", r.User.ID), slog.String("what", "all data"))
	return merlon.Download("my-data.json", append(body, '\n')), nil
}

func (a *part) gather(r *merlon.Read[User]) (*exported, error) {
	row, err := userByID.One(r.DB, r.User.ID)
	if err != nil {
		return nil, err
	}
	u := row.user()
	e := &exported{Schema: "merlon/account/v1", Made: r.Now().UTC(), Account: exportAccount{u.ID, u.Name, u.Email, u.Roles,
		time.UnixMicro(row.Created).UTC(), at(row.Verified), row.hasPassword(), at(row.Chosen)}}
	list, err := a.house.Sessions.List(r.DB, u.ID)
	if err != nil {
		return nil, err
	}
	for _, s := range list {
		e.Sessions = append(e.Sessions, exportSession{s.Device, s.Network, s.Level.Factors, s.Began.UTC(), s.Seen.UTC(), s.Until.UTC()})
	}
	devices, err := devicesOf(r.DB, u.ID, r.Now())
	if err != nil {
		return nil, err
	}
	for _, d := range devices {
		e.Devices = append(e.Devices, exportDevice{d.Label, time.UnixMicro(d.Created).UTC(), time.UnixMicro(d.Seen).UTC(), at(d.Trusted)})
	}
	events, _, err := entries(r.DB, u.ID, "", 0, logFile, r.Now())
	if err != nil {
		return nil, err
	}
	for _, one := range events {
		l := logLine(r, one, u.ID)
		e.Events = append(e.Events, exportEvent{one.Time, one.ID, l.Words, l.Who, l.Browser, l.Network})
	}
	on, since, _, err := totpState(r.DB, u.ID)
	if err != nil {
		return nil, err
	}
	if on {
		e.App = at(since)
	}
	if e.Codes, err = codesLeft(r.DB, u.ID); err != nil {
		return nil, err
	}
	for _, w := range a.ways {
		if w.Export == nil {
			continue
		}
		if e.SignIn == nil {
			e.SignIn = map[string]any{}
		}
		if e.SignIn[w.Name], err = w.Export(r.DB, u.ID); err != nil {
			return nil, err
		}
	}
	if a.cfg.Hooks.Export != nil {
		e.Site, err = a.cfg.Hooks.Export(r.Context(), r.DB, u)
	}
	return e, err
}
