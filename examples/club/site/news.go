package site

import (
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
)

// News is one piece of news as it is listed.
type News struct {
	ID      int64
	Title   string
	Text    string
	Author  string
	Created time.Time
}

// Day is the day of the news in words, in a language.
func (n News) Day(lang string) string { return day(lang, n.Created) }

// Comment is one comment on a piece of news.
type Comment struct {
	Author  string
	Text    string
	Created time.Time
}

// Day is the day of the comment in words, in a language.
func (c Comment) Day(lang string) string { return day(lang, c.Created) }

// NewComment is the form under a piece of news.
type NewComment struct {
	ID   int64  `path:"id"`
	Text string `form:"required,lines,max=1000" label:"Your comment"`
}

type homePage struct {
	News    []News
	Outings []Outing
}

type newsListPage struct {
	News    []News
	Earlier int64 // id to go on from; 0: no more
}

type newsPage struct {
	News     News
	Comments []Comment
	Form     form.Form[NewComment]
	SignedIn bool
}

// NewsInput is the place in the list of news.
type NewsInput struct {
	Before int64 `query:"before"`
}

const newsAtOnce = 10

var (
	homeView     = page.New[homePage](pages, "home.html")
	newsListView = page.New[newsListPage](pages, "news-list.html")
	newsView     = page.New[newsPage](pages, "news.html")

	recentNews = db.Query[News](schema, `SELECT n.id, n.title, n.text, coalesce(m.name, 'a former member') AS author, n.created
		FROM news n LEFT JOIN merlon_member m ON m.id = n.author
		WHERE $1 = 0 OR n.id < $1 ORDER BY n.id DESC LIMIT $2`)
	newsByID = db.Query[News](schema, `SELECT n.id, n.title, n.text, coalesce(m.name, 'a former member') AS author, n.created
		FROM news n LEFT JOIN merlon_member m ON m.id = n.author WHERE n.id = $1 LIMIT 1`)
	commentsOn = db.Query[Comment](schema, `SELECT coalesce(m.name, 'a former member') AS author, c.text, c.created
		FROM comment c LEFT JOIN merlon_member m ON m.id = c.author WHERE c.news = $1 ORDER BY c.id LIMIT 200`)
	insertComment = db.Exec(schema, "INSERT INTO comment (news, author, text, created) VALUES ($1, $2, $3, $4)")
)

func home(r *merlon.Read[account.Guest], _ merlon.None) (*merlon.Response, error) {
	news, err := recentNews.All(r.DB, 0, 3)
	if err != nil {
		return nil, err
	}
	next, err := nextOutings.All(r.DB, r.Now().Format(time.DateOnly), 3)
	return merlon.Show(homeView, homePage{news, next}), err
}

func listOfNews(r *merlon.Read[account.Guest], in NewsInput) (*merlon.Response, error) {
	news, err := recentNews.All(r.DB, in.Before, newsAtOnce+1)
	if err != nil {
		return nil, err
	}
	p := newsListPage{News: news}
	if len(news) > newsAtOnce {
		p.News = news[:newsAtOnce]
		p.Earlier = p.News[newsAtOnce-1].ID
	}
	return merlon.Show(newsListView, p), nil
}

func oneNews(r *merlon.Read[account.Guest], in ByID) (*merlon.Response, error) {
	p, err := readNews(r.DB, in.ID, r.User.SignedIn)
	return merlon.Show(newsView, p), err
}

func readNews(from db.Querier, id int64, signedIn bool) (p newsPage, err error) {
	p.SignedIn = signedIn
	if p.News, err = newsByID.One(from, id); err != nil {
		return p, err
	}
	p.Comments, err = commentsOn.All(from, id)
	return p, err
}

func addComment(w *merlon.Write[account.User], f form.Form[NewComment]) (*merlon.Response, error) {
	in, ok := f.Value()
	if !ok {
		p, err := readNews(w.DB, in.ID, true)
		p.Form = f
		return merlon.ShowStatus(422, newsView, p), err
	}
	if _, err := newsByID.One(w.DB, in.ID); err != nil {
		return nil, err
	}
	_, err := insertComment.Run(w.DB, in.ID, w.User.ID, in.Text, w.Now())
	return merlon.Redirect("/news/{id}", in.ID).NoticeText("club.said.comment"), err
}
