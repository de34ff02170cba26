package site

import (
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
)

// Contact is the form with which visitors write to the board.
type Contact struct {
	Name  string `form:"required,max=80" label:"Your name" autocomplete:"name"`
	Email string `form:"email,required,max=254" label:"Your e-mail address" autocomplete:"email"`
	Text  string `form:"required,lines,max=2000" label:"Your message"`
}

// Message is what a visitor wrote.
type Message struct {
	ID      int64
	Name    string
	Email   string
	Text    string
	Created time.Time
}

// Day is the day of the message in words, in a language.
func (m Message) Day(lang string) string { return day(lang, m.Created) }

type contactPage struct{ Form form.Form[Contact] }

var (
	contactView = page.New[contactPage](pages, "contact.html")

	insertMessage = db.Exec(schema, "INSERT INTO message (name, email, text, created) VALUES ($1, $2, $3, $4)")
	openMessages  = db.Query[Message](schema, "SELECT id, name, email, text, created FROM message WHERE done = 0 AND id > $1 ORDER BY id LIMIT $2")
	closeMessage  = db.Exec(schema, "UPDATE message SET done = 1 WHERE id = $1")
)

func showContact(*merlon.Read[account.Guest], merlon.None) (*merlon.Response, error) {
	return merlon.Show(contactView, contactPage{}), nil
}

func sendContact(w *merlon.Write[account.Guest], f form.Form[Contact]) (*merlon.Response, error) {
	in, ok := f.Value()
	if !ok {
		return merlon.ShowStatus(422, contactView, contactPage{f}), nil
	}
	_, err := insertMessage.Run(w.DB, in.Name, in.Email, in.Text, w.Now())
	return merlon.Redirect("/contact").NoticeText("club.said.thanks"), err
}
