package merlon_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/mailbox"
	"github.com/merlon-web/merlon/sqlite"
)

type tellFriend struct {
	Email string `form:"email,required,max=254"`
}

func tell(w *merlon.Write[merlon.Visitor], f form.Form[tellFriend]) (*merlon.Response, error) {
	in, ok := f.Value()
	if !ok {
		return merlon.JSONProblems(422, f), nil
	}
	to, err := mailbox.ParseAddress(in.Email)
	if err != nil {
		return nil, err
	}
	err = w.House().Mails.Queue(w.DB, mailbox.Mail{To: to, Kind: "friend", Lang: w.Lang(),
		Subject: "A regatta on Sunday", Text: "Come and see us row:\n\n" + w.House().URL("/regatta")})
	return merlon.Redirect("/regatta"), err
}

func regatta(*merlon.Read[merlon.Visitor], merlon.None) (*merlon.Response, error) {
	return merlon.JSON(map[string]string{"day": "Sunday"}), nil
}

// A mail is queued in the handler's transaction: what is rolled back mails nothing. Here another program posts, to a route that
// says that it needs no token; a page posts as any form does.
func ExampleWrite_House() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	site, err := merlon.New(merlon.Env{Data: dir, Mode: merlon.Test, Log: slog.New(slog.DiscardHandler)}, merlon.Config{
		Engine: sqlite.Engine("example.db"), Pages: noPages, Schema: noStatements, Routes: []merlon.Route{
			merlon.Get("/regatta", merlon.Public(), regatta),
			merlon.Post("/tell", merlon.Public(), tell, merlon.InsecureNoToken("an example: anybody may tell")),
		}})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	if err := site.Start(ctx); err != nil {
		panic(err)
	}
	defer site.Close(ctx)
	r, answer := httptest.NewRequest("POST", "http://localhost/tell", strings.NewReader("Email=nora%40example.org")), httptest.NewRecorder()
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	site.ServeHTTP(answer, r)
	rows := site.House().Engine.Read(ctx)
	defer rows.Close()
	mails, err := site.House().Mails.List(rows, 0, 10)
	if err != nil {
		panic(err)
	}
	for _, m := range mails {
		fmt.Println(answer.Code, m.Kind, m.To, m.State)
	}
	// Output: 303 friend nora@example.org queued
}
