package site

import (
	"encoding/json"
	"errors"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/journal"
	"github.com/merlon-web/merlon/page"
)

// NewNews is the form for a piece of news.
type NewNews struct {
	Title string `form:"required,max=120" label:"Title"`
	Text  string `form:"required,lines,max=10000" label:"Text"`
}

// NewOuting is the form for an outing.
type NewOuting struct {
	Title  string    `form:"required,max=120" label:"Title"`
	Place  string    `form:"required,max=120" label:"Meeting place"`
	Day    time.Time `form:"date,required" label:"Day"`
	Places int       `form:"required,min=1,max=200" label:"Places"`
	About  string    `form:"lines,max=5000" label:"What it is about"`
}

// BoardInput is the place in the list of open messages.
type BoardInput struct {
	After int64 `query:"after"`
}

type boardPage struct {
	Messages []Message
	First    bool
	Next     int64 // the last message shown, where later ones wait; 0: none does
	News     []News
}

const messagesAtOnce = 50

type newNewsPage struct{ Form form.Form[NewNews] }

type newOutingPage struct{ Form form.Form[NewOuting] }

type deleteNewsPage struct{ News News }

type named struct{ Name string }

type logPage struct{ Lines []logLine }

type logLine struct {
	At      account.Moment
	Title   string
	English bool   // the house has no other words for it
	Who     string // who did it
	Whose   string // the name of the member whose account it is about, if that is somebody else
	Guards  string
	Outcome string
	Route   string
}

var (
	boardView      = page.New[boardPage](pages, "board.html")
	newNewsView    = page.New[newNewsPage](pages, "board-news.html")
	deleteNewsView = page.New[deleteNewsPage](pages, "board-news-delete.html")
	newOutingView  = page.New[newOutingPage](pages, "board-outing.html")
	logView        = page.New[logPage](pages, "board-log.html")

	nameOf       = db.Query[named](schema, "SELECT name FROM merlon_member WHERE id = $1 LIMIT 1")
	insertNews   = db.Returning[int64](schema, "INSERT INTO news (author, title, text, created) VALUES ($1, $2, $3, $4) RETURNING id")
	removeNews   = db.Exec(schema, "DELETE FROM news WHERE id = $1")
	insertOuting = db.Returning[int64](schema, "INSERT INTO outing (title, place, day, places, about) VALUES ($1, $2, $3, $4, $5) RETURNING id")
)

func showBoard(r *merlon.Read[account.User], in BoardInput) (*merlon.Response, error) {
	messages, err := openMessages.All(r.DB, in.After, messagesAtOnce+1)
	if err != nil {
		return nil, err
	}
	p := boardPage{Messages: messages, First: in.After == 0}
	if len(messages) > messagesAtOnce {
		p.Messages = messages[:messagesAtOnce]
		p.Next = p.Messages[messagesAtOnce-1].ID
	}
	p.News, err = recentNews.All(r.DB, 0, 20)
	return merlon.Show(boardView, p), err
}

func newNews(*merlon.Read[account.User], merlon.None) (*merlon.Response, error) {
	return merlon.Show(newNewsView, newNewsPage{}), nil
}

func addNews(w *merlon.Write[account.User], f form.Form[NewNews]) (*merlon.Response, error) {
	in, ok := f.Value()
	if !ok {
		return merlon.ShowStatus(422, newNewsView, newNewsPage{f}), nil
	}
	id, err := insertNews.Run(w.DB, w.User.ID, in.Title, in.Text, w.Now())
	return merlon.Redirect("/news/{id}", id).NoticeText("club.said.news"), err
}

func askDeleteNews(r *merlon.Read[account.User], in ByID) (*merlon.Response, error) {
	n, err := newsByID.One(r.DB, in.ID)
	return merlon.Show(deleteNewsView, deleteNewsPage{n}), err
}

func deleteNews(w *merlon.Write[account.User], f form.Form[Button]) (*merlon.Response, error) {
	in, _ := f.Value()
	_, err := removeNews.Run(w.DB, in.ID)
	return merlon.Redirect("/board").NoticeText("club.said.news-gone"), err
}

func newOuting(*merlon.Read[account.User], merlon.None) (*merlon.Response, error) {
	return merlon.Show(newOutingView, newOutingPage{}), nil
}

func addOuting(w *merlon.Write[account.User], f form.Form[NewOuting]) (*merlon.Response, error) {
	in, ok := f.Value()
	if !ok {
		return merlon.ShowStatus(422, newOutingView, newOutingPage{f}), nil
	}
	id, err := insertOuting.Run(w.DB, in.Title, in.Place, in.Day.Format(time.DateOnly), in.Places, in.About)
	return merlon.Redirect("/outings/{id}", id).NoticeText("club.said.outing"), err
}

func doneMessage(w *merlon.Write[account.User], f form.Form[Button]) (*merlon.Response, error) {
	in, _ := f.Value()
	_, err := closeMessage.Run(w.DB, in.ID)
	return merlon.Redirect("/board").NoticeText("club.said.done"), err
}

// logWords are the club's words for what an event guards, and for what came of it.
func logWords(r *merlon.Read[account.User], e journal.Entry) (guards, outcome string) {
	switch e.Property {
	case "confidentiality":
		guards = r.Say("club.guards.confidentiality")
	case "integrity":
		guards = r.Say("club.guards.integrity")
	case "availability":
		guards = r.Say("club.guards.availability")
	}
	switch e.Outcome {
	case "done":
		outcome = r.Say("club.outcome.done")
	case "failed":
		outcome = r.Say("club.outcome.failed")
	case "refused":
		outcome = r.Say("club.outcome.refused")
	}
	return guards, outcome
}

// names finds members by their numbers, each once.
type names struct {
	from  *merlon.Read[account.User]
	known map[int64]string
}

func (n names) of(id int64) (string, error) {
	if name, ok := n.known[id]; ok {
		return name, nil
	}
	m, err := nameOf.One(n.from.DB, id)
	if errors.Is(err, db.ErrNoRow) { // deleted, or shut out
		m.Name, err = n.from.Say("club.log.gone", id), nil
	}
	n.known[id] = m.Name
	return m.Name, err
}

// whoWords say who did what an event tells of, and about whose account it is.
func whoWords(r *merlon.Read[account.User], n names, e journal.Entry) (who, whose string, err error) {
	var detail struct{ Account int64 }
	_ = json.Unmarshal(e.Detail, &detail) // details that are none are about no account
	switch {
	case e.User != 0:
		who, err = n.of(e.User)
	case e.Route == "":
		who = r.Say("club.log.site")
	default:
		who = r.Say("club.log.visitor")
	}
	if err == nil && detail.Account != 0 && detail.Account != e.User {
		whose, err = n.of(detail.Account)
	}
	return who, whose, err
}

// begun is a title as a sentence begins.
func begun(title string) string {
	first, size := utf8.DecodeRuneInString(title)
	return string(unicode.ToUpper(first)) + title[size:]
}

// showLog shows the site's security events to the board.
func showLog(r *merlon.Read[account.User], _ merlon.None) (*merlon.Response, error) {
	events, err := journal.List(r.DB, journal.Filter{Limit: 100})
	if err != nil {
		return nil, err
	}
	var p logPage
	n := names{r, map[int64]string{}}
	for _, e := range events {
		line := logLine{At: account.Minute(r.Lang(), e.Time), Title: begun(e.Title), English: true, Route: e.Route}
		if words, ok := account.EventWords(r, e.ID); ok {
			line.Title, line.English = words, false
		}
		line.Guards, line.Outcome = logWords(r, e)
		if line.Who, line.Whose, err = whoWords(r, n, e); err != nil {
			return nil, err
		}
		p.Lines = append(p.Lines, line)
	}
	return merlon.Show(logView, p), nil
}
