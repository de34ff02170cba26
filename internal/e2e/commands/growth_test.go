package commands_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/attack"
	"github.com/merlon-web/merlon/internal/e2e/need"
)

// room is one of many rooms of a made site: its table, its two pages and its four routes, {n} is its number.
var room = map[string]string{
	"migrations/0001_{n}.sql": "-- +goose Up\nCREATE TABLE note{n} (id INTEGER PRIMARY KEY, owner INTEGER NOT NULL, text TEXT NOT NULL) STRICT;\n\n-- +goose Down\nDROP TABLE note{n};\n",
	"pages/list{n}.html": `{{template "layout.html" .}}
{{define "title"}}Room {n}{{end}}
{{define "main"}}
<h1>Room {n}</h1>
{{problems .Form}}
<form method="post" action="/r{n}">{{fields .Form}}<p><button>Keep it</button></p></form>
{{range .Notes}}<p><a href="/r{n}/{{.ID}}">{{.Text}}</a></p>{{end}}
{{end}}
`,
	"pages/one{n}.html": `{{template "layout.html" .}}
{{define "title"}}A note of room {n}{{end}}
{{define "main"}}
<h1>A note</h1>
<p>{{.Text}}</p>
<form method="post" action="/r{n}/{{.ID}}/delete"><p><button>Delete</button></p></form>
{{end}}
`,
	"room{n}.go": `package main

import (
	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
)

var (
	list{n}   = page.New[Notes](pages, "list{n}.html")
	page{n}   = page.New[Note](pages, "one{n}.html")
	find{n}   = db.Query[Note](schema, "SELECT id, text FROM note{n} WHERE owner = $1 ORDER BY id DESC LIMIT 50")
	one{n}    = db.Query[Note](schema, "SELECT id, text FROM note{n} WHERE owner = $1 AND id = $2")
	insert{n} = db.Returning[int64](schema, "INSERT INTO note{n} (owner, text) VALUES ($1, $2) RETURNING id")
	delete{n} = db.Exec(schema, "DELETE FROM note{n} WHERE owner = $1 AND id = $2")
)

func showAll{n}(r *merlon.Read[account.User], _ merlon.None) (*merlon.Response, error) {
	notes, err := find{n}.All(r.DB, r.User.ID)
	return merlon.Show(list{n}, Notes{Notes: notes}), err
}

func showOne{n}(r *merlon.Read[account.User], in ByID) (*merlon.Response, error) {
	note, err := one{n}.One(r.DB, r.User.ID, in.ID)
	return merlon.Show(page{n}, note), err
}

func add{n}(w *merlon.Write[account.User], f form.Form[NewNote]) (*merlon.Response, error) {
	note, ok := f.Value()
	if !ok {
		return merlon.ShowStatus(422, list{n}, Notes{Form: f}), nil
	}
	id, err := insert{n}.Run(w.DB, w.User.ID, note.Text)
	return merlon.Redirect("/r{n}/{id}", id), err
}

func remove{n}(w *merlon.Write[account.User], f form.Form[ByID]) (*merlon.Response, error) {
	in, _ := f.Value()
	_, err := delete{n}.Run(w.DB, w.User.ID, in.ID)
	return merlon.Redirect("/r{n}"), err
}

func init() {
	routes = append(routes,
		merlon.Get("/r{n}", account.SignedIn(), showAll{n}),
		merlon.Get("/r{n}/{id}", account.SignedIn(), showOne{n}),
		merlon.Post("/r{n}", account.SignedIn(), add{n}),
		merlon.Post("/r{n}/{id}/delete", account.SignedIn(), remove{n}))
}
`}

const roomsMain = `package main

import (
	"embed"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/cli"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/sqlite"
)

type (
	Note struct {
		ID   int64
		Text string
	}
	NewNote struct {
		Text string "form:\"required,lines,max=500\" label:\"Your note\""
	}
	ByID struct {
		ID int64 "path:\"id\""
	}
	Notes struct {
		Notes []Note
		Form  form.Form[NewNote]
	}
)

//go:embed pages migrations
var files embed.FS

var (
	pages     = page.From(files, "pages")
	schema    = db.From(files, "migrations")
	front     = page.New[merlon.None](pages, "front.html")
	routes    []merlon.Route
)

func showFront(*merlon.Read[merlon.Visitor], merlon.None) (*merlon.Response, error) {
	return merlon.Show(front, merlon.None{}), nil
}

func open(env merlon.Env) (*merlon.Site, error) {
	return merlon.New(env, merlon.Config{Name: "rooms", Engine: sqlite.Engine("rooms.db"), Pages: pages, Schema: schema,
		Parts: []merlon.Part{account.New(account.Config{})},
		Routes: append(routes, merlon.Get("/", merlon.Public(), showFront))})
}

func main() { cli.Main(open) }
`

// makeRooms writes the source of a site with so many rooms into a folder and builds it.
func makeRooms(t *testing.T, rooms int) (program string) {
	t.Helper()
	dir := t.TempDir()
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	var links strings.Builder
	files := map[string]string{
		"go.mod": "module example.org/rooms\n\ngo 1.26\n\nrequire github.com/merlon-web/merlon v0.0.0\n\nreplace github.com/merlon-web/merlon => " + root + "\n",
		"go.sum": string(sum), "main.go": roomsMain,
	}
	for i := range rooms {
		n := fmt.Sprint(1000 + i)
		fmt.Fprintf(&links, "<p><a href=\"/r%s\">%s</a></p>\n", n, n)
		for name, text := range room {
			files[strings.ReplaceAll(strings.Replace(name, "0001", n, 1), "{n}", n)] = strings.ReplaceAll(text, "{n}", n)
		}
	}
	files["pages/front.html"] = "{{template \"layout.html\" .}}\n{{define \"title\"}}Rooms{{end}}\n{{define \"main\"}}\n<h1>Rooms</h1>\n" + links.String() + "{{end}}\n"
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", "rooms", ".")
	build.Dir = dir
	build.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOSUMDB=off", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return filepath.Join(dir, "rooms")
}

// TestAttackGrows: what an attack costs grows with the number of routes, and not with its square: requests are counted, since
// time says something of the machine too; it is logged.
func TestAttackGrows(t *testing.T) {
	if !need.Long() {
		t.Skip("attacks sites of many routes, which takes minutes: MERLON_TEST_LONG=1")
	}
	sizes := []int{5, 25, 100} // rooms of four routes
	var requests []int
	for _, rooms := range sizes {
		program := makeRooms(t, rooms)
		attacked := exec.CommandContext(t.Context(), program, "attack", "--format", "json", "--budget", "20m")
		attacked.Dir = filepath.Dir(program)
		var problems strings.Builder
		attacked.Stderr = &problems
		out, err := attacked.Output()
		if err != nil {
			t.Fatalf("%v\n%s\n%s", err, out, &problems)
		}
		var report attack.Report
		if err := json.Unmarshal(out, &report); err != nil {
			t.Fatal(err)
		}
		c := report.Coverage
		if len(report.Findings) > 0 || c.Reached < 4*rooms {
			t.Errorf("%d rooms: %d findings, %d of %d routes reached", rooms, len(report.Findings), c.Reached, c.Routes)
		}
		t.Logf("%d routes of its own: %d requests, %.1f s", 4*rooms, c.Requests, report.Seconds)
		requests = append(requests, c.Requests)
	}
	first := float64(requests[1]-requests[0]) / float64(sizes[1]-sizes[0])
	second := float64(requests[2]-requests[1]) / float64(sizes[2]-sizes[1])
	if second > 1.5*first { // with the square of the routes it would be more than four times as much
		t.Errorf("a room more costs %.0f requests among few and %.0f among many", first, second)
	}
}
