package checks_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/check/asvs"
	"github.com/merlon-web/merlon/check/build"
	"github.com/merlon-web/merlon/check/host"
	"github.com/merlon-web/merlon/cli"
	"github.com/merlon-web/merlon/examples/club/site"
	"github.com/merlon-web/merlon/password"
)

// open opens the sound site with whatever is changed in its configuration.
func open(change func(*merlon.Config)) func(merlon.Env) (*merlon.Site, error) {
	return func(env merlon.Env) (*merlon.Site, error) {
		cfg := config()
		if change != nil {
			change(&cfg)
		}
		return merlon.New(env, cfg)
	}
}

// run runs a command of the site's program on a data folder, under sound facts, and wants its exit code.
func run(t *testing.T, want int, open func(merlon.Env) (*merlon.Site, error), data string, args ...string) (out, errOut string) {
	t.Helper()
	var o, e bytes.Buffer
	ctx := build.With(host.With(context.Background(), soundFacts()), soundBuild())
	if code := cli.Run(ctx, open, append(args, "--data", data), &o, &e); code != want {
		t.Fatalf("%v exits %d, want %d\n%s%s", args, code, want, &o, &e)
	}
	return o.String(), e.String()
}

func TestCheckCommandExits(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	opened := open(func(c *merlon.Config) { c.Routes = openRoutes() })
	unsound := open(func(c *merlon.Config) { c.Routes = brokenRoutes() })
	for _, c := range []struct {
		exit  int
		open  func(merlon.Env) (*merlon.Site, error)
		args  string
		words string // in what is printed
	}{
		{0, open(nil), "", "not looked at: the data"},
		{1, opened, "", "FAIL"},
		{1, opened, "--only MRL-ROUTE-020,mrl-route-021", "2 fail"},
		{0, opened, "--only MRL-ROUTE-022", "1 note"},
		{0, open(func(c *merlon.Config) { c.Parts = accounts(password.Params{}) }), "--only MRL-ACCT-058", "no Export"}, // of code: no data are needed
		{1, opened, "--only mrl-route-02", "MRL-ROUTE-020"},                                                             // the beginning of an id, as explain takes it
		{1, opened, "--only MRL-ROUTE-022 --fail-on low", "1 note"},
		{0, opened, "--only MRL-ROUTE-020 --fail-on high", "1 fail"},
		{0, opened, "--skip MRL-ROUTE-020=for_the_test --skip MRL-ROUTE-021=also", "SKIP  MRL-ROUTE-020  \"for_the_test\", with 1 findings"},
		{1, unsound, "", "MRL-FORM-001"},
		{2, open(nil), "--skip MRL-ROUTE-020", "has no reason"},
		{2, open(nil), "--only MRL-ROUTE-20", "did you mean MRL-ROUTE-020?"},
		{2, open(nil), "--skip MRL-ROTE-020=x", "did you mean MRL-ROUTE-020?"},
		{2, open(nil), "--fail-on severe", "low, medium or high"},
		{2, open(nil), "--format xml", "text, json or sarif"},
		{2, open(nil), "--format xml --json", `--format is \"xml\"`},
		{2, open(nil), "--format sarif --json", "one run prints in one form"},
		{2, open(nil), "--asvs --format xml", "text, json or sarif"},
		{2, open(nil), "--asvs --format sarif", "as text or json"},
		{2, open(nil), "--depoly", "did you mean --deploy?"},
		{2, open(nil), "now", "surplus argument"},
		{3, open(nil), "--only MRL-KEYRING-001", "was not looked for"},
		{1, open(nil), "--deploy", "MRL-DEPLOY-001"},
	} {
		out, errOut := run(t, c.exit, c.open, data, append([]string{"check"}, strings.Fields(c.args)...)...)
		if !strings.Contains(out+errOut, c.words) {
			t.Errorf("check %s lacks %q:\n%s%s", c.args, c.words, out, errOut)
		}
	}
	if _, err := os.Stat(data); err == nil {
		t.Error("a check of a site without data made its folder")
	}
}

// What serve.skip lets a start pass is skipped by check --deploy too, and told with its reason; what is typed wins.
func TestCheckSkipsWhatTheStartPasses(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	text := "[serve]\nskip = [\"mrl-route-020=only friends\", \"MRL-ROUTE-021=and theirs\"]\n"
	if err := os.WriteFile("merlon.toml", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	opened, only := open(func(c *merlon.Config) { c.Routes = openRoutes() }), []string{"check", "--only", "MRL-ROUTE-020,MRL-ROUTE-021"}
	out, _ := run(t, 0, opened, "data", append(only, "--deploy", "--skip", "MRL-ROUTE-021=typed")...)
	for _, want := range []string{`SKIP  MRL-ROUTE-020  "only friends (serve.skip)", with 1 findings`, `SKIP  MRL-ROUTE-021  "typed"`} {
		if !strings.Contains(out, want) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
	if out, _ := run(t, 1, opened, "data", only...); strings.Contains(out, "SKIP") { // what a site under development does is not what the world needs
		t.Errorf("without --deploy:\n%s", out)
	}
	if out, _ := run(t, 1, open(nil), "data", "check", "--deploy"); !strings.Contains(out, "\nserve --production does not start with: ") || strings.Contains(out[strings.Index(out, "does not start with"):], "MRL-HOST-001") {
		t.Errorf("which of the findings stop a start?\n%s", out)
	}
	stops := "serve --production does not start with: "
	if err := os.WriteFile("merlon.toml", []byte("[serve]\nskip = [\"MRL-SMTP-011=no mails\"]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, _ = run(t, 3, open(nil), "data", "check", "--deploy", "--skip", "MRL-DEPLOY-001=typed", "--skip", "MRL-CLI-004=typed")
	if _, line, _ := strings.Cut(out, stops); !strings.Contains(line, "MRL-DEPLOY-001") || strings.Contains(line, "MRL-SMTP-011") {
		t.Errorf("what stops a start is for the settings alone to say:\n%s", out)
	}
	if out, _ := run(t, 1, open(nil), "data", "check", "--deploy", "--only", "MRL-DEPLOY-001"); strings.Contains(out, stops) {
		t.Errorf("by one check it was told what stops a start:\n%s", out)
	}
	if err := os.WriteFile("merlon.toml", []byte("[serve]\nskip = [\"MRL-ROUTE-20=only friends\"]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, errOut := run(t, 1, opened, "data", append(only, "--deploy")...); !strings.Contains(errOut, `serve.skip names "MRL-ROUTE-20"`) || !strings.Contains(errOut, "did you mean MRL-ROUTE-020?") {
		t.Errorf("an id that nobody has: %s", errOut)
	}
}

func TestCheckWritesJSON(t *testing.T) {
	var doc struct {
		Schema string
		Pass   int
		Fail   int
		Checks []struct{ ID, State, Skipped, Property string }
	}
	out, _ := run(t, 1, open(func(c *merlon.Config) { c.Routes = openRoutes() }), filepath.Join(t.TempDir(), "data"), "check", "--json", "--skip", "MRL-ROUTE-021=a reason")
	if err := json.Unmarshal([]byte(out), &doc); err != nil {
		t.Fatal(err)
	}
	state := map[string]string{}
	for _, c := range doc.Checks {
		state[c.ID] = c.State + " " + c.Skipped
	}
	if doc.Schema != "merlon/check/v1" || doc.Pass < 70 || state["MRL-ROUTE-020"] != "fail " || state["MRL-ROUTE-021"] != "skip a reason" || state["MRL-ROUTE-022"] != "note " || state["MRL-ROUTE-002"] != "pass " {
		t.Errorf("got %d pass, %v", doc.Pass, state)
	}
	out, _ = run(t, 2, open(nil), t.TempDir(), "check", "--format", "json", "--only", "X")
	if err := json.Unmarshal([]byte(out), &doc); err != nil || doc.Schema != "merlon/error/v1" {
		t.Errorf("an error is no document: %s", out)
	}
}

// TestCheckTellsWhatItDidNotSee: in SARIF too; and a site of which a half was not looked at is not fit for the world.
func TestCheckTellsWhatItDidNotSee(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	if out, _ := run(t, 0, open(nil), data, "check", "--format", "sarif"); !strings.Contains(out, "not looked at: the data") {
		t.Errorf("SARIF without the data says\n%s", out)
	}
	sound := []string{"check", "--deploy", "--fail-on", "high"}
	t.Chdir(t.TempDir())
	text := "[site]\nhost = \"example.org\"\ntrusted_proxies = [\"127.0.0.1\"]\nclient_header = \"X-Forwarded-For\"\n[serve]\nskip = [\"MRL-SMTP-011=no mails\"]\n[tls]\nmode = \"proxy\"\n"
	if err := os.WriteFile("merlon.toml", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, errOut := run(t, 3, open(nil), data, sound...); !strings.Contains(errOut, "not all could be looked at: the data") {
		t.Errorf("without the data: %s", errOut)
	}
	run(t, 0, open(nil), data, "migrate", "up")
	run(t, 0, open(nil), data, sound...)
}

// TestCheckNamesWhatTheSettingsLack: a start is refused by it, whatever serve.skip says, and --skip lets no start pass.
func TestCheckNamesWhatTheSettingsLack(t *testing.T) {
	t.Chdir(t.TempDir())
	text := "[site]\nhost = \"example.org\"\n[serve]\nhealth = \"0.0.0.0:8081\"\nskip = [\"MRL-CLI-004=no\", \"MRL-SMTP-011=no mails\"]\n"
	if err := os.WriteFile("merlon.toml", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, _ := run(t, 1, open(nil), "data", "check", "--deploy")
	for _, want := range []string{"FAIL  tls.mode: it is not set", `FAIL  serve.health: it is "0.0.0.0:8081"`} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if out, _ := run(t, 3, open(nil), "data", "check", "--deploy", "--skip", "MRL-CLI-004=typed"); !strings.Contains(out, "serve --production does not start with: MRL-CLI-004\n") {
		t.Errorf("what stops a start?\n%s", out)
	}
	if out, _ := run(t, 0, open(nil), "data", "check", "-v"); strings.Contains(out, "MRL-CLI-004") {
		t.Errorf("without --deploy:\n%s", out)
	}
}

// TestCheckIsInterrupted: Ctrl-C ends it with 130, and not as a report.
func TestCheckIsInterrupted(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	ctx, stop := context.WithCancel(t.Context())
	stop()
	for range 2 {
		var out, errOut bytes.Buffer
		if code := cli.Run(ctx, open(nil), []string{"check", "--data", data}, &out, &errOut); code != 130 || out.Len() > 0 || !strings.Contains(errOut.String(), "interrupted") {
			t.Errorf("exit %d\n%s%s", code, &out, &errOut)
		}
		run(t, 0, open(nil), data, "migrate", "up")
	}
}

func TestSARIFIsValid(t *testing.T) {
	for name, o := range map[string]func(merlon.Env) (*merlon.Site, error){"clean": open(nil), "routes": open(func(c *merlon.Config) { c.Routes = brokenRoutes() }),
		"pages": open(func(c *merlon.Config) { c.Pages = brokenPages }), "opened": open(func(c *merlon.Config) { c.Routes = openRoutes() })} {
		want := 1
		if name == "clean" {
			want = 0
		}
		out, _ := run(t, want, o, filepath.Join(t.TempDir(), "data"), "check", "--format", "sarif", "--skip", "MRL-ROUTE-023=the score of the match")
		log, err := sarif.FromString(out)
		if err != nil {
			t.Fatal(err)
		}
		known := json.NewDecoder(strings.NewReader(out)) // what the package drops it cannot prove
		known.DisallowUnknownFields()
		if err := known.Decode(&sarif.Report{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := log.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		results := log.Runs[0].Results
		if (len(results) == 0) != (name == "clean") {
			t.Errorf("%s has %d results", name, len(results))
		}
		for _, r := range results {
			if rule := log.Runs[0].Tool.Driver.Rules[r.RuleIndex]; *rule.ID != *r.RuleID {
				t.Errorf("%s: the index of %s is that of %s", name, *r.RuleID, *rule.ID)
			}
			if skipped := *r.RuleID == "MRL-ROUTE-023"; skipped != (len(r.Suppressions) > 0) {
				t.Errorf("%s: %s has %d suppressions", name, *r.RuleID, len(r.Suppressions))
			}
		}
	}
}

// TestStartIsPartOfCheck: what refuses a start is a finding of check, and the rest is looked at all the same.
func TestStartIsPartOfCheck(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	run(t, 0, open(nil), data, "migrate", "up")
	run(t, 0, open(nil), data, "check")
	if out, _ := run(t, 0, open(nil), data, "check", "-v"); !strings.Contains(out, "PASS  MRL-KEYRING-001") || strings.Contains(out, "not looked at") {
		t.Errorf("with data, check says\n%s", out)
	}
	raw(t, data, "UPDATE merlon_version_session SET sha256 = 'x' WHERE version > 0")
	out, _ := run(t, 1, open(nil), data, "check")
	if !strings.Contains(out, "MRL-SQL-023") || !strings.Contains(out, "not looked at: the data") {
		t.Errorf("with an edited migration, check says\n%s", out)
	}
	if err := os.Chmod(filepath.Join(data, "keys"), 0o644); err != nil {
		t.Fatal(err)
	}
	raw(t, data, "UPDATE merlon_version_session SET sha256 = ''")
	if out, _ := run(t, 1, open(nil), data, "check"); !strings.Contains(out, "MRL-KEYRING-001") {
		t.Errorf("with an open key file, check says\n%s", out)
	}
}

// TestCheckCannotReadTheData: a folder that cannot be read is not one without data, whose report may end well.
func TestCheckCannotReadTheData(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	if err := os.Symlink(data, data); err != nil { // root reads folders of every mode
		t.Skip("no links here: ", err)
	}
	for _, command := range []string{"check", "attack"} {
		if _, errOut := run(t, 3, open(nil), data, command); !strings.Contains(errOut, ": it cannot be read: ") {
			t.Errorf("%s: %s", command, errOut)
		}
	}
}

// TestCheckBesideARunningSite: the process that serves answers for its data, and a site that is not sound any more is checked
// beside it.
func TestCheckBesideARunningSite(t *testing.T) {
	ctx, stop := context.WithCancel(build.With(host.With(context.Background(), soundFacts()), soundBuild()))
	defer stop()
	data := filepath.Join(t.TempDir(), "data")
	r, w := io.Pipe()
	done := make(chan int, 1)
	go func() {
		code := cli.Run(ctx, open(nil), []string{"serve", "--listen", "127.0.0.1:0", "--data", data}, w, io.Discard)
		_ = w.Close()
		done <- code
	}()
	for lines := bufio.NewScanner(r); lines.Scan(); {
		if strings.Contains(lines.Text(), "stop with Ctrl-C") {
			break
		}
	}
	raw(t, data, `INSERT INTO merlon_mail (recipient, kind, state, created, next_try, content) VALUES ('a@example.org', 'x', 'held', 1, 1, x'')`)
	for until := time.Now().Add(time.Minute); time.Now().Before(until); { // the site sees what others write a moment later
		if cli.Run(ctx, open(nil), []string{"check", "--data", data}, io.Discard, io.Discard) != 0 {
			break
		}
	}
	if out, _ := run(t, 1, open(nil), data, "check"); !strings.Contains(out, "MRL-MAILBOX-004") || strings.Contains(out, "not looked at") {
		t.Errorf("beside a running site, check says\n%s", out)
	}
	out, _ := run(t, 1, open(func(c *merlon.Config) { c.Routes = brokenRoutes() }), data, "check")
	if !strings.Contains(out, "MRL-MAILBOX-004") || !strings.Contains(out, "MRL-FORM-001") {
		t.Errorf("of a site that is not sound, beside a running one, check says\n%s", out)
	}
	stop()
	if code := <-done; code != 0 {
		t.Errorf("serve exits %d", code)
	}
}

// TestNewSite is the newcomer's: check passes, and check --deploy names what a site in development lacks and nothing else.
func TestNewSite(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	var out, errOut bytes.Buffer
	if code := cli.Run(t.Context(), site.Open, []string{"check", "--data", data}, &out, &errOut); code != 0 {
		t.Fatalf("check exits %d\n%s%s", code, &out, &errOut)
	}
	run(t, 0, site.Open, data, "migrate", "up")
	run(t, 0, site.Open, data, "user", "add", "ann@example.org", "--role", "admin")
	rawFile(t, filepath.Join(data, "club.db"), "UPDATE merlon_user SET verified = 1; INSERT INTO merlon_totp (user, secret, created) VALUES (1, x'00', 1)")
	text, _ := run(t, 1, site.Open, data, "check", "--deploy", "--json")
	var doc struct {
		Findings []struct{ ID, Severity string }
	}
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, f := range doc.Findings {
		if f.Severity != "low" {
			ids = append(ids, f.ID)
		}
	}
	if want := []string{"MRL-BACK-001", "MRL-CLI-004", "MRL-CLI-004", "MRL-DEPLOY-001", "MRL-SMTP-011"}; !slices.Equal(ids, want) {
		t.Errorf("a new site lacks %v, want %v\n%s", ids, want, text)
	}
	if runtime.GOOS == "linux" { // and on this machine as it is, nothing breaks
		out.Reset()
		if code := cli.Run(t.Context(), site.Open, []string{"check", "--deploy", "--data", data}, &out, &errOut); code != 1 || !strings.Contains(out.String(), "MRL-DEPLOY-001") {
			t.Errorf("check --deploy exits %d\n%s", code, &out)
		}
	}
}

func TestStandardIsPrinted(t *testing.T) {
	out, _ := run(t, 0, open(nil), t.TempDir(), "check", "--asvs", "--json")
	var doc struct {
		Counts       map[string]int
		Requirements []asvs.Row
	}
	if err := json.Unmarshal([]byte(out), &doc); err != nil || len(doc.Requirements) != len(asvs.Rows()) || doc.Counts["enforced"] < 100 {
		t.Errorf("%v, %d requirements, %v", err, len(doc.Requirements), doc.Counts)
	}
	out, _ = run(t, 0, open(nil), t.TempDir(), "check", "--asvs")
	for _, want := range []string{"1.2.4  ", "examples/mistakes.TestMistakes", asvs.Summary(asvs.Rows())} {
		if !strings.Contains(out, want) {
			t.Errorf("check --asvs lacks %q", want)
		}
	}
}

// What the machine does not tell has not passed: every format says that it was not seen.
func TestCheckSaysWhatItDidNotSee(t *testing.T) {
	facts := soundFacts()
	facts.NoSwaps, facts.Memory, facts.Synced = true, host.Unknown, host.Unknown
	ctx := build.With(host.With(context.Background(), facts), soundBuild())
	said := func(format string) string {
		t.Helper()
		var o, e bytes.Buffer
		if code := cli.Run(ctx, open(nil), []string{"check", "--deploy", "--only", "MRL-HOST", "--format", format, "--data", filepath.Join(t.TempDir(), "data")}, &o, &e); code != 0 {
			t.Fatalf("exit %d\n%s%s", code, &o, &e)
		}
		return o.String()
	}
	for format, words := range map[string][]string{
		"text":  {"----  MRL-HOST-025  not seen: what is swapped to could not be read", "----  MRL-HOST-007  not seen: how much memory there is", "22 pass, 0 fail, 3 not seen"},
		"json":  {`"state": "unseen"`, `"unseen": "the state of the clock could not be read"`, `"pass": 22`},
		"sarif": {"not looked at: MRL-HOST-020: the state of the clock could not be read", "not looked at: MRL-HOST-025"},
	} {
		out := said(format)
		for _, want := range words {
			if !strings.Contains(out, want) {
				t.Errorf("%s: no %s in\n%s", format, want, out)
			}
		}
	}
}
