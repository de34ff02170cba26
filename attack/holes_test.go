package attack_test

import (
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/attack"
	"github.com/merlon-web/merlon/check"
)

// planted are the kit's holes, and the rule by which each is found.
var planted = []struct {
	hole, class string
	rule        check.Rule
}{
	{"fixation", "sessions", attack.RuleFixation}, {"signoutleaves", "sessions", attack.RuleSignOutLeaves}, {"signoutget", "sessions", attack.RuleSignOutByGet},
	{"passwordkeeps", "sessions", attack.RulePasswordKeeps}, {"stale", "sessions", attack.RuleStale}, {"cookie", "sessions", attack.RuleCookie}, {"raw", "sessions", attack.RuleTokenAtRest},
	{"shown", "sessions", attack.RuleTokenShown}, {"endless", "sessions", attack.RuleEndless},
	{"revive", "sessions", attack.RuleRevivedBy}, {"disabled", "sessions", attack.RuleDisabled}, {"linktwice", "sessions", attack.RuleLinkTwice}, {"linklives", "sessions", attack.RuleLinkLives},
	{"codetwice", "sessions", attack.RuleCodeTwice}, {"unnoticed", "forgery", attack.RuleUnnoticed}, {"parallel", "limits", attack.RuleParallel}, {"rows", "forgery", attack.RuleRowsForAll},
	{"crosssite", "forgery", attack.RuleSameSite}, {"samesite", "forgery", attack.RuleSameSite}, {"noproof", "forgery", attack.RuleNoProof}, {"plainorigin", "forgery", attack.RulePlainOrigin},
	{"foreigntoken", "forgery", attack.RuleForeignToken}, {"exempt", "forgery", attack.RuleExempt}, {"getwrites", "forgery", attack.RuleGetWrites}, {"override", "forgery", attack.RuleOverride},
	{"signinforged", "forgery", attack.RuleSignInForged}, {"socket", "forgery", attack.RuleSocket},
	{"sql", "injection", attack.RuleSQL}, {"quietsql", "injection", attack.RuleSQL}, {"order", "injection", attack.RuleSQL}, {"sqlsignin", "injection", attack.RuleSQL}, {"wildcard", "injection", attack.RuleWildcard},
	{"shell", "injection", attack.RuleShell}, {"option", "injection", attack.RuleOption}, {"header", "injection", attack.RuleHeaderLine}, {"log", "injection", attack.RuleLogLine},
	{"formula", "injection", attack.RuleFormula}, {"template", "injection", attack.RuleTemplate}, {"fetch", "injection", attack.RuleFetch}, {"file", "injection", attack.RuleTraversal},
	{"markup", "injection", attack.RuleMarkup}, {"script", "injection", attack.RuleScriptText}, {"address", "injection", attack.RuleScriptAddress},
	{"csp", "output", attack.RulePolicy}, {"types", "output", attack.RuleTrustedTypes}, {"frame", "output", attack.RuleFrame}, {"sniff", "output", attack.RuleSniffed},
	{"redirect", "output", attack.RuleRedirect}, {"next", "output", attack.RuleRedirect}, {"cache", "output", attack.RuleCached}, {"suffix", "output", attack.RuleSuffix},
	{"internals", "output", attack.RuleInternals}, {"hash", "output", attack.RuleRowShown},
	{"menu", "access", attack.RuleOpenRoute}, {"otherspage", "access", attack.RuleOthersPage}, {"othersdeed", "access", attack.RuleOthersDeed}, {"assign", "access", attack.RuleAssigned},
	{"halfway", "access", attack.RuleHalfWay},
	{"guess", "limits", attack.RuleGuessing}, {"lockout", "limits", attack.RuleLockedOut}, {"told", "limits", attack.RuleTold}, {"large", "limits", attack.RuleLarge},
	{"nocopy", "backup", attack.RuleNoCopy}, {"samedisk", "backup", attack.RuleSameDisk}, {"plaincopy", "backup", attack.RuleCopyReadable}, {"keybeside", "backup", attack.RuleCopyKey},
	{"cutcopy", "backup", attack.RuleCutCopy}, {"filesleft", "backup", attack.RuleRestoreMisses}, {"undrilled", "backup", attack.RuleDrillStale}, {"deletable", "backup", attack.RuleCopyDeletable},
	{"copyserved", "backup", attack.RuleCopyServed}, {"dumpserved", "backup", attack.RuleCopyServed}, {"packserved", "backup", attack.RuleCopyServed},
	{"trace", "platform", attack.RuleTrace}, {"host", "platform", attack.RuleAnyHost}, {"debug", "platform", attack.RuleDebug}, {"plain", "platform", attack.RulePlainSignIn}, {"hsts", "platform", attack.RuleNoHSTS},
}

// where are the routes of the holes, by the holes that have them in common.
var where = at(map[string]string{
	"POST /sign-in":               "fixation cookie codetwice parallel signinforged sqlsignin next guess lockout told",
	"POST /sign-out":              "signoutleaves",
	"GET /sign-out":               "signoutget",
	"POST /password":              "passwordkeeps stale",
	"every route":                 "raw endless disabled host hsts",
	"GET /":                       "shown rows hash",
	"POST /notes":                 "revive formula assign large",
	"POST /forgot":                "linktwice linklives",
	"POST /notes, POST /sign-out": "unnoticed foreigntoken",
	"POST /notes, POST /notes/{id}/delete, POST /sign-out": "crosssite samesite noproof plainorigin exempt override",
	"GET /count":  "getwrites",
	"GET /socket": "socket",
	"GET /news":   "sql quietsql order wildcard markup",
	"GET /ping":   "shell option",
	"GET /lang":   "header",
	"GET /hello":  "log template",
	"GET /fetch":  "fetch",
	"GET /file":   "file",
	"GET /script": "script",
	"GET /link":   "address",
	"GET /, GET /admin, GET /news, GET /notes, GET /notes/{id}, GET /password, GET /sign-in": "csp types frame sniff cache",
	"GET /go":                               "redirect",
	"GET /admin, GET /notes, GET /password": "suffix",
	"GET /item":                             "internals",
	"GET /admin, GET /admin/export.csv":     "menu",
	"GET /notes/{id}":                       "otherspage",
	"POST /notes/{id}/delete":               "othersdeed",
	"GET /notes":                            "halfway",
	"backups":                               "nocopy samedisk plaincopy keybeside cutcopy filesleft undrilled deletable",
	"GET /backups/kit-1.bin":                "copyserved",
	"GET /dump.sql":                         "dumpserved",
	"GET /backup.zip":                       "packserved",
	"TRACE /, TRACE /news, TRACE /sign-in":  "trace",
	"GET /debug/vars":                       "debug",
	"GET /sign-in":                          "plain",
})

func at(holes map[string]string) map[string]string {
	all := map[string]string{}
	for routes, names := range holes {
		for name := range strings.FieldsSeq(names) {
			all[name] = routes
		}
	}
	return all
}

// TestSoundKit: a sound site has no findings, in any class.
func TestSoundKit(t *testing.T) {
	k := newKit(t)
	report, err := attack.Probe(t.Context(), k, k.profile(), attack.Options{Budget: 5 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Findings {
		t.Errorf("invented: %s\n%s", f.Text(), f.Curl)
	}
	for _, c := range report.Coverage.Classes {
		if !c.Complete || c.Tried == 0 {
			t.Errorf("%s: complete %v, %d tried", c.Class, c.Complete, c.Tried)
		}
	}
	t.Log(report.Coverage)
}

// TestPlantedHoles: each hole is found by its rule at its routes, nothing else is, and the request is told so that it can be sent
// again: examples/leaky sends those of its findings.
func TestPlantedHoles(t *testing.T) {
	t.Parallel()
	also := map[string][]string{ // what a hole opens beside its own
		"crosssite": {attack.RuleSignInForged.ID}, "sql": {attack.RuleWildcard.ID}, "quietsql": {attack.RuleWildcard.ID}, "stale": {attack.RulePasswordKeeps.ID}, "signoutget": {attack.RuleGetWrites.ID}}
	for _, p := range planted {
		t.Run(p.hole, func(t *testing.T) {
			if p.hole == "shell" || p.hole == "option" {
				if _, err := exec.LookPath("sh"); err != nil {
					t.Skip("there is no sh")
				}
			}
			k := newKit(t, p.hole)
			report, err := attack.Probe(t.Context(), k, k.profile(), attack.Options{Classes: []string{p.class}, Budget: 5 * time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			var routes []string
			for _, f := range report.Findings {
				switch {
				case f.ID == p.rule.ID:
					routes = append(routes, f.Route)
					if f.Route == "backups" { // it takes no request
						if !strings.Contains(f.Test, `Classes: []string{"backup"}`) {
							t.Errorf("%s cannot be repeated: %+v", f.ID, f)
						}
					} else if !strings.Contains(f.Curl, "curl ") || !strings.Contains(f.Test, "httptest") || f.Request.Method == "" {
						t.Errorf("%s cannot be repeated: %+v", f.ID, f)
					}
				case !strings.Contains(strings.Join(also[p.hole], " "), f.ID):
					t.Errorf("also found: %s", f.Text())
				}
			}
			slices.Sort(routes)
			if got := strings.Join(routes, ", "); got != where[p.hole] {
				t.Errorf("%s (%s) was found at %q, and is at %q:\n%s", p.rule.ID, p.rule.Title, got, where[p.hole], report.Coverage)
			}
		})
	}
}

// TestURLIsLoopbackOnly: nothing else is ever asked, not even looked up.
func TestURLIsLoopbackOnly(t *testing.T) {
	for _, address := range []string{"http://example.org/", "https://192.0.2.1/", "http://localhost.example.org/", "http://127.0.0.1.example.org/", "http://[2001:db8::1]/"} {
		if _, err := attack.URL(t.Context(), address, attack.Profile{}, attack.Options{}); err != attack.ErrNotLoopback {
			t.Errorf("%s: %v", address, err)
		}
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<title>x</title>" + r.FormValue("q") + `<a href="/?q=a">a</a>`))
	}))
	defer srv.Close()
	report, err := attack.URL(t.Context(), srv.URL, attack.Profile{}, attack.Options{Classes: []string{"injection"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Findings) != 1 || report.Findings[0].ID != attack.RuleMarkup.ID {
		t.Errorf("found %v", report.Findings)
	}
}
