package merlon_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/sqlite"
)

// The files en.json, de.json and fr.json in a folder of the program:
//
//	{"club.boats": {"one": "Ein Boot", "other": "{0} Boote"}}
var words = merlon.TextsFrom(featureFiles, "testdata/features/texts")

func boats(r *merlon.Read[merlon.Visitor], _ merlon.None) (*merlon.Response, error) {
	return merlon.Text(r.Say("club.boats", 3)), nil // a page has {{text "club.boats" .Count}}
}

func ExampleTextsFrom() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	site, err := merlon.New(merlon.Env{Data: dir, Mode: merlon.Test, Log: slog.New(slog.DiscardHandler)}, merlon.Config{
		Engine: sqlite.Engine("example.db"), Texts: words, Routes: []merlon.Route{merlon.Get("/", merlon.Public(), boats)}})
	if err != nil {
		panic(err)
	}
	if err := site.Start(context.Background()); err != nil {
		panic(err)
	}
	defer site.Close(context.Background())
	for _, lang := range []string{"de-CH, de;q=0.9", "fr", "ja"} {
		r, answer := httptest.NewRequest("GET", "http://localhost/", nil), httptest.NewRecorder()
		r.Header.Set("Accept-Language", lang)
		site.ServeHTTP(answer, r)
		fmt.Println(answer.Body)
	}
	// Output:
	// 3 Boote
	// 3 bateaux
	// 3 boats
}
