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
	"github.com/merlon-web/merlon/sqlite"
)

type rating struct {
	Stars int    `form:"required,min=1,max=5"`
	Why   string `form:"max=200"`
}

func rate(_ *merlon.Write[merlon.Visitor], f form.Form[rating]) (*merlon.Response, error) {
	in, ok := f.Value()
	if !ok {
		return merlon.JSONProblems(422, f), nil
	}
	return merlon.JSON(map[string]int{"stars": in.Stars}), nil
}

type limits struct {
	Least int `json:"least"`
	Most  int `json:"most"`
}

func showLimits(*merlon.Read[merlon.Visitor], merlon.None) (*merlon.Response, error) {
	return merlon.JSON(limits{1, 5}), nil
}

// A page hands the token to its script by <div id="rating" data-merlon-token="{{token "/rate"}}">, and the script sends it:
//
//	const at = document.getElementById("rating")
//	const answer = await fetch("/rate", {method: "POST", body: JSON.stringify({Stars: 4}),
//		headers: {"Content-Type": "application/json", "Merlon-Token": at.dataset.merlonToken}})
//	at.dataset.merlonToken = answer.headers.get("Merlon-Token") ?? at.dataset.merlonToken
//
// Here another program posts, to a route that says that it needs no token.
func ExampleJSONBody() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	site, err := merlon.New(merlon.Env{Data: dir, Mode: merlon.Test, Log: slog.New(slog.DiscardHandler)}, merlon.Config{
		Engine: sqlite.Engine("example.db"), Pages: noPages, Schema: noStatements, Routes: []merlon.Route{
			merlon.Get("/rate", merlon.Public(), showLimits),
			merlon.Post("/rate", merlon.Public(), rate, merlon.JSONBody(), merlon.InsecureNoToken("an example: anybody may rate")),
		}})
	if err != nil {
		panic(err)
	}
	if err := site.Start(context.Background()); err != nil {
		panic(err)
	}
	defer site.Close(context.Background())
	answer := httptest.NewRecorder()
	site.ServeHTTP(answer, httptest.NewRequest("GET", "http://localhost/rate", nil))
	fmt.Print(answer.Code, " ", answer.Body)
	for _, body := range []string{`{"Stars": 4}`, `{"Stars": 9, "Why": ""}`, `{"Stars": "4"}`} {
		r, answer := httptest.NewRequest("POST", "http://localhost/rate", strings.NewReader(body)), httptest.NewRecorder()
		r.Header.Set("Content-Type", "application/json")
		site.ServeHTTP(answer, r)
		if answer.Code == 400 {
			fmt.Println(answer.Code)
			continue
		}
		fmt.Print(answer.Code, " ", answer.Body)
	}
	// Output:
	// 200 {"least":1,"most":5}
	// 200 {"stars":4}
	// 422 {"problems":{"Stars":"Enter 5 or less."}}
	// 400
}
