package commands_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/cli"
	"github.com/merlon-web/merlon/examples/club/site"
	"github.com/merlon-web/merlon/internal/e2e/need"
	"github.com/merlon-web/merlon/merlontest"
)

// TestAttackCodes: each end of the command has its exit code, and with --json, --format json and --stream prints JSON and nothing
// else: one document, or one a line.
func TestAttackCodes(t *testing.T) {
	need.Time(t, "attacks some thirty times")
	t.Chdir(t.TempDir())
	var asked atomic.Int64
	served := func(h http.HandlerFunc) string {
		srv := httptest.NewServer(h)
		t.Cleanup(srv.Close)
		return srv.URL
	}
	page := func(w http.ResponseWriter, text string) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, `<title>x</title><a href="/?q=a">a</a>`+text)
	}
	sound := served(func(w http.ResponseWriter, _ *http.Request) { page(w, "") })
	open := served(func(w http.ResponseWriter, r *http.Request) { page(w, r.FormValue("q")) })
	slow := served(func(w http.ResponseWriter, _ *http.Request) { time.Sleep(100 * time.Millisecond); page(w, "") })
	dying := served(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1)%1000 > 8 {
			panic(http.ErrAbortHandler)
		}
		page(w, "")
	})
	wrongHost := served(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusMisdirectedRequest) })
	up, empty, data := t.TempDir(), t.TempDir(), t.TempDir()
	t.Run("data", func(t *testing.T) { merlontest.StartIn(t, data, site.Open).SignedIn("Ann") })
	merlontest.StartIn(t, up, site.Open) // until the test ends
	broken := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(broken, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	unsound := func(merlon.Env) (*merlon.Site, error) { return nil, errors.New("no such thing") }
	few := "--class access --as anonymous --routes /contact"
	for _, c := range []struct {
		code   int
		args   string
		schema string // of the last document
		ctx    context.Context
		open   func(merlon.Env) (*merlon.Site, error)
	}{
		{code: cli.ExitDone, args: sound + " --class injection", schema: "attack"},
		{code: cli.ExitDone, args: few, schema: "attack"},
		{code: cli.ExitDone, args: few + " --demo", schema: "attack"},
		{code: cli.ExitDone, args: few + " --data " + data, schema: "attack"},
		{code: cli.ExitFailed, args: open + " --class injection", schema: "attack"},
		{code: cli.ExitFailed, args: few, schema: "error", open: unsound},
		{code: cli.ExitFailed, args: "", schema: "faults", open: openBroken},
		{code: cli.ExitUsage, args: "--clas access", schema: "error"},
		{code: cli.ExitUsage, args: "--budget soon", schema: "error"},
		{code: cli.ExitUsage, args: "--budget 0s", schema: "error"},
		{code: cli.ExitUsage, args: "--class acess", schema: "error"},
		{code: cli.ExitUsage, args: "--routes /nope", schema: "error"},
		{code: cli.ExitUsage, args: sound + " --routes /nope", schema: "error"},
		{code: cli.ExitUsage, args: "--as nobody", schema: "error"},
		{code: cli.ExitUsage, args: sound + " --as user", schema: "error"},
		{code: cli.ExitUsage, args: sound + " more", schema: "error"},
		{code: cli.ExitUsage, args: sound + " --data " + data, schema: "error"},
		{code: cli.ExitUsage, args: "--demo --data " + data, schema: "error"},
		{code: cli.ExitUsage, args: "ftp://127.0.0.1", schema: "error"},
		{code: cli.ExitCannot, args: "http://127.0.0.1:1", schema: "error"},
		{code: cli.ExitCannot, args: "--data " + up, schema: "error"},
		{code: cli.ExitCannot, args: "--data " + empty, schema: "error"},
		{code: cli.ExitCannot, args: "--data " + broken, schema: "error"},
		{code: cli.ExitCannot, args: "-C " + filepath.Join(empty, "no"), schema: "error"},
		{code: cli.ExitCannot, args: slow + " --class injection --budget 1500ms", schema: "attack"},
		{code: cli.ExitCannot, args: dying + " --class injection", schema: "attack"},
		{code: cli.ExitCannot, args: wrongHost + " --class injection", schema: "attack"},
		{code: cli.ExitRefused, args: "http://example.org", schema: "error"},
		{code: cli.ExitInterrupted, args: "", schema: "error", ctx: over},
		{code: cli.ExitInterrupted, args: sound, schema: "attack", ctx: over},
	} {
		for _, form := range []string{"--json", "--format json", "--format=json", "--stream"} {
			if c.ctx == nil {
				c.ctx = t.Context()
			}
			if c.open == nil {
				c.open = site.Open
			}
			asked.Store(0)
			args := append(append([]string{"attack"}, strings.Fields(c.args)...), strings.Fields(form)...)
			var out, errs strings.Builder
			code := cli.Run(c.ctx, c.open, args, &out, &errs)
			if code != c.code {
				t.Errorf("%v exited %d, want %d:\n%.600s%s", args, code, c.code, out.String(), errs.String())
			}
			var docs []string
			text := json.NewDecoder(strings.NewReader(out.String()))
			for {
				var doc struct {
					Schema string
					Exit   *int
				}
				err := text.Decode(&doc)
				if err == io.EOF {
					break
				}
				if err != nil || doc.Exit != nil && *doc.Exit != c.code {
					t.Errorf("%v printed no JSON, or another code (%v):\n%.600s", args, err, out.String())
					break
				}
				docs = append(docs, doc.Schema)
			}
			want := "merlon/" + c.schema + "/v1"
			if form == "--stream" && c.schema == "attack" {
				want = "merlon/attack-line/v1"
			}
			switch lines := strings.Count(out.String(), "\n"); {
			case len(docs) == 0 || docs[len(docs)-1] != want:
				t.Errorf("%v printed %v, want %s at the end:\n%.600s", args, docs, want, errs.String())
			case form == "--stream" && lines != len(docs), form != "--stream" && len(docs) != 1:
				t.Errorf("%v printed %d documents on %d lines", args, len(docs), lines)
			}
		}
	}
	for _, forms := range []string{"--format xml", "--format xml --json", "--format sarif --json", "--format text --stream", "--json --stream"} {
		var out, errs strings.Builder
		if code := cli.Run(t.Context(), site.Open, append([]string{"attack", sound}, strings.Fields(forms)...), &out, &errs); code != cli.ExitUsage {
			t.Errorf("%s exited %d: %s%s", forms, code, out.String(), errs.String())
		}
	}
}
