// Package checks_test measures what check costs.
package checks_test

import (
	"context"
	"embed"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/sqlite"
)

// A site of 100 routes, 100 pages and 100 queries, for what check costs.

//go:embed pages migrations
var checkFiles embed.FS

type (
	checkedNote struct {
		ID           int64
		Author, Text string
	}
	checkedForm struct {
		Author string `form:"required,max=80" label:"Author"`
		Text   string `form:"required,lines,max=2000" label:"Text"`
	}
	checkedPage struct {
		Title string
		Notes []checkedNote
		Form  form.Form[checkedForm]
	}
)

var (
	checkPages  = page.From(checkFiles, "pages")
	checkSchema = db.From(checkFiles, "migrations")
	// one text and one file, each declared, compiled and prepared a hundred times
	checkedPages   = declare(100, func() *page.Page[checkedPage] { return page.New[checkedPage](checkPages, "page.html") })
	checkedQueries = declare(100, func() *db.Select[checkedNote] {
		return db.Query[checkedNote](checkSchema, "SELECT id, author, text FROM note WHERE author >= $1 ORDER BY author, id LIMIT $2")
	})
)

func declare[T any](n int, one func() T) (all []T) {
	for range n {
		all = append(all, one())
	}
	return all
}

func showChecked(r *merlon.Read[merlon.Visitor], _ merlon.None) (*merlon.Response, error) {
	notes, err := checkedQueries[0].All(r.DB, "", 50)
	return merlon.Show(checkedPages[0], checkedPage{Title: "Notes", Notes: notes}), err
}

func addChecked(*merlon.Write[merlon.Visitor], form.Form[checkedForm]) (*merlon.Response, error) {
	return merlon.Redirect("/c00"), nil
}

// BenchmarkCheck is what a run of check does but for the start of the program: the site put together and proven, started on
// its data, looked at whole, closed.
func BenchmarkCheck(b *testing.B) {
	env := merlon.Env{Data: filepath.Join(b.TempDir(), "data"), Mode: merlon.Development, NoJobs: true, Log: slog.New(slog.DiscardHandler)}
	for b.Loop() {
		s, err := merlon.New(env, merlon.Config{Name: "checked", Engine: sqlite.Engine("checked.db"), Pages: checkPages, Schema: checkSchema, Routes: []merlon.Route{
			merlon.Post("/c00", merlon.Public(), addChecked),
			merlon.Get("/c00", merlon.Public(), showChecked),
			merlon.Get("/c01", merlon.Public(), showChecked),
			merlon.Get("/c02", merlon.Public(), showChecked),
			merlon.Get("/c03", merlon.Public(), showChecked),
			merlon.Get("/c04", merlon.Public(), showChecked),
			merlon.Get("/c05", merlon.Public(), showChecked),
			merlon.Get("/c06", merlon.Public(), showChecked),
			merlon.Get("/c07", merlon.Public(), showChecked),
			merlon.Get("/c08", merlon.Public(), showChecked),
			merlon.Get("/c09", merlon.Public(), showChecked),
			merlon.Get("/c10", merlon.Public(), showChecked),
			merlon.Get("/c11", merlon.Public(), showChecked),
			merlon.Get("/c12", merlon.Public(), showChecked),
			merlon.Get("/c13", merlon.Public(), showChecked),
			merlon.Get("/c14", merlon.Public(), showChecked),
			merlon.Get("/c15", merlon.Public(), showChecked),
			merlon.Get("/c16", merlon.Public(), showChecked),
			merlon.Get("/c17", merlon.Public(), showChecked),
			merlon.Get("/c18", merlon.Public(), showChecked),
			merlon.Get("/c19", merlon.Public(), showChecked),
			merlon.Get("/c20", merlon.Public(), showChecked),
			merlon.Get("/c21", merlon.Public(), showChecked),
			merlon.Get("/c22", merlon.Public(), showChecked),
			merlon.Get("/c23", merlon.Public(), showChecked),
			merlon.Get("/c24", merlon.Public(), showChecked),
			merlon.Get("/c25", merlon.Public(), showChecked),
			merlon.Get("/c26", merlon.Public(), showChecked),
			merlon.Get("/c27", merlon.Public(), showChecked),
			merlon.Get("/c28", merlon.Public(), showChecked),
			merlon.Get("/c29", merlon.Public(), showChecked),
			merlon.Get("/c30", merlon.Public(), showChecked),
			merlon.Get("/c31", merlon.Public(), showChecked),
			merlon.Get("/c32", merlon.Public(), showChecked),
			merlon.Get("/c33", merlon.Public(), showChecked),
			merlon.Get("/c34", merlon.Public(), showChecked),
			merlon.Get("/c35", merlon.Public(), showChecked),
			merlon.Get("/c36", merlon.Public(), showChecked),
			merlon.Get("/c37", merlon.Public(), showChecked),
			merlon.Get("/c38", merlon.Public(), showChecked),
			merlon.Get("/c39", merlon.Public(), showChecked),
			merlon.Get("/c40", merlon.Public(), showChecked),
			merlon.Get("/c41", merlon.Public(), showChecked),
			merlon.Get("/c42", merlon.Public(), showChecked),
			merlon.Get("/c43", merlon.Public(), showChecked),
			merlon.Get("/c44", merlon.Public(), showChecked),
			merlon.Get("/c45", merlon.Public(), showChecked),
			merlon.Get("/c46", merlon.Public(), showChecked),
			merlon.Get("/c47", merlon.Public(), showChecked),
			merlon.Get("/c48", merlon.Public(), showChecked),
			merlon.Get("/c49", merlon.Public(), showChecked),
			merlon.Get("/c50", merlon.Public(), showChecked),
			merlon.Get("/c51", merlon.Public(), showChecked),
			merlon.Get("/c52", merlon.Public(), showChecked),
			merlon.Get("/c53", merlon.Public(), showChecked),
			merlon.Get("/c54", merlon.Public(), showChecked),
			merlon.Get("/c55", merlon.Public(), showChecked),
			merlon.Get("/c56", merlon.Public(), showChecked),
			merlon.Get("/c57", merlon.Public(), showChecked),
			merlon.Get("/c58", merlon.Public(), showChecked),
			merlon.Get("/c59", merlon.Public(), showChecked),
			merlon.Get("/c60", merlon.Public(), showChecked),
			merlon.Get("/c61", merlon.Public(), showChecked),
			merlon.Get("/c62", merlon.Public(), showChecked),
			merlon.Get("/c63", merlon.Public(), showChecked),
			merlon.Get("/c64", merlon.Public(), showChecked),
			merlon.Get("/c65", merlon.Public(), showChecked),
			merlon.Get("/c66", merlon.Public(), showChecked),
			merlon.Get("/c67", merlon.Public(), showChecked),
			merlon.Get("/c68", merlon.Public(), showChecked),
			merlon.Get("/c69", merlon.Public(), showChecked),
			merlon.Get("/c70", merlon.Public(), showChecked),
			merlon.Get("/c71", merlon.Public(), showChecked),
			merlon.Get("/c72", merlon.Public(), showChecked),
			merlon.Get("/c73", merlon.Public(), showChecked),
			merlon.Get("/c74", merlon.Public(), showChecked),
			merlon.Get("/c75", merlon.Public(), showChecked),
			merlon.Get("/c76", merlon.Public(), showChecked),
			merlon.Get("/c77", merlon.Public(), showChecked),
			merlon.Get("/c78", merlon.Public(), showChecked),
			merlon.Get("/c79", merlon.Public(), showChecked),
			merlon.Get("/c80", merlon.Public(), showChecked),
			merlon.Get("/c81", merlon.Public(), showChecked),
			merlon.Get("/c82", merlon.Public(), showChecked),
			merlon.Get("/c83", merlon.Public(), showChecked),
			merlon.Get("/c84", merlon.Public(), showChecked),
			merlon.Get("/c85", merlon.Public(), showChecked),
			merlon.Get("/c86", merlon.Public(), showChecked),
			merlon.Get("/c87", merlon.Public(), showChecked),
			merlon.Get("/c88", merlon.Public(), showChecked),
			merlon.Get("/c89", merlon.Public(), showChecked),
			merlon.Get("/c90", merlon.Public(), showChecked),
			merlon.Get("/c91", merlon.Public(), showChecked),
			merlon.Get("/c92", merlon.Public(), showChecked),
			merlon.Get("/c93", merlon.Public(), showChecked),
			merlon.Get("/c94", merlon.Public(), showChecked),
			merlon.Get("/c95", merlon.Public(), showChecked),
			merlon.Get("/c96", merlon.Public(), showChecked),
			merlon.Get("/c97", merlon.Public(), showChecked),
			merlon.Get("/c98", merlon.Public(), showChecked),
		}})
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Start(context.Background()); err != nil {
			b.Fatal(err)
		}
		if found := s.Check(context.Background()).Findings(check.Medium); len(found) > 0 {
			b.Fatal(found)
		}
		if err := s.Close(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}
