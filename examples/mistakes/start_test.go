package mistakes_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/attack"
	"github.com/merlon-web/merlon/check"
	auth2fixed "github.com/merlon-web/merlon/examples/mistakes/testdata/AUTH-2/fixed"
	auth2 "github.com/merlon-web/merlon/examples/mistakes/testdata/AUTH-2/mistake"
	auth3fixed "github.com/merlon-web/merlon/examples/mistakes/testdata/AUTH-3/fixed"
	auth3 "github.com/merlon-web/merlon/examples/mistakes/testdata/AUTH-3/mistake"
	csrf2fixed "github.com/merlon-web/merlon/examples/mistakes/testdata/CSRF-2/fixed"
	csrf2 "github.com/merlon-web/merlon/examples/mistakes/testdata/CSRF-2/mistake"
	form1fixed "github.com/merlon-web/merlon/examples/mistakes/testdata/FORM-1/fixed"
	form1 "github.com/merlon-web/merlon/examples/mistakes/testdata/FORM-1/mistake"
	form2fixed "github.com/merlon-web/merlon/examples/mistakes/testdata/FORM-2/fixed"
	form2 "github.com/merlon-web/merlon/examples/mistakes/testdata/FORM-2/mistake"
	mass1fixed "github.com/merlon-web/merlon/examples/mistakes/testdata/MASS-1/fixed"
	mass1 "github.com/merlon-web/merlon/examples/mistakes/testdata/MASS-1/mistake"
	mass3fixed "github.com/merlon-web/merlon/examples/mistakes/testdata/MASS-3/fixed"
	mass3 "github.com/merlon-web/merlon/examples/mistakes/testdata/MASS-3/mistake"
	page1fixed "github.com/merlon-web/merlon/examples/mistakes/testdata/PAGE-1/fixed"
	page1 "github.com/merlon-web/merlon/examples/mistakes/testdata/PAGE-1/mistake"
	pass2fixed "github.com/merlon-web/merlon/examples/mistakes/testdata/PASS-2/fixed"
	pass2 "github.com/merlon-web/merlon/examples/mistakes/testdata/PASS-2/mistake"
	sql5fixed "github.com/merlon-web/merlon/examples/mistakes/testdata/SQL-5/fixed"
	sql5 "github.com/merlon-web/merlon/examples/mistakes/testdata/SQL-5/mistake"
	sql6fixed "github.com/merlon-web/merlon/examples/mistakes/testdata/SQL-6/fixed"
	sql6 "github.com/merlon-web/merlon/examples/mistakes/testdata/SQL-6/mistake"
	sql7fixed "github.com/merlon-web/merlon/examples/mistakes/testdata/SQL-7/fixed"
	sql7 "github.com/merlon-web/merlon/examples/mistakes/testdata/SQL-7/mistake"
	xss2fixed "github.com/merlon-web/merlon/examples/mistakes/testdata/XSS-2/fixed"
	xss2 "github.com/merlon-web/merlon/examples/mistakes/testdata/XSS-2/mistake"
	xss4fixed "github.com/merlon-web/merlon/examples/mistakes/testdata/XSS-4/fixed"
	xss4 "github.com/merlon-web/merlon/examples/mistakes/testdata/XSS-4/mistake"
	xss5fixed "github.com/merlon-web/merlon/examples/mistakes/testdata/XSS-5/fixed"
	xss5 "github.com/merlon-web/merlon/examples/mistakes/testdata/XSS-5/mistake"
	xss6fixed "github.com/merlon-web/merlon/examples/mistakes/testdata/XSS-6/fixed"
	xss6 "github.com/merlon-web/merlon/examples/mistakes/testdata/XSS-6/mistake"
	xss9fixed "github.com/merlon-web/merlon/examples/mistakes/testdata/XSS-9/fixed"
	xss9 "github.com/merlon-web/merlon/examples/mistakes/testdata/XSS-9/mistake"
)

type open func(merlon.Env) (*merlon.Site, error)

// sites are the programs that compile and must be stopped when they start, by their check or by their attacker, and the ways out.
var sites = map[string]struct{ mistake, fixed open }{
	"AUTH-2": {auth2.Open, auth2fixed.Open},
	"AUTH-3": {auth3.Open, auth3fixed.Open},
	"CSRF-2": {csrf2.Open, csrf2fixed.Open},
	"FORM-1": {form1.Open, form1fixed.Open},
	"FORM-2": {form2.Open, form2fixed.Open},
	"PASS-2": {pass2.Open, pass2fixed.Open},
	"MASS-1": {mass1.Open, mass1fixed.Open},
	"MASS-3": {mass3.Open, mass3fixed.Open},
	"PAGE-1": {page1.Open, page1fixed.Open},
	"SQL-5":  {sql5.Open, sql5fixed.Open},
	"SQL-6":  {sql6.Open, sql6fixed.Open},
	"SQL-7":  {sql7.Open, sql7fixed.Open},
	"XSS-2":  {xss2.Open, xss2fixed.Open},
	"XSS-4":  {xss4.Open, xss4fixed.Open},
	"XSS-5":  {xss5.Open, xss5fixed.Open},
	"XSS-6":  {xss6.Open, xss6fixed.Open},
	"XSS-9":  {xss9.Open, xss9fixed.Open},
}

// start opens a site as its own program does in development, and brings it up.
func start(t *testing.T, open open) (site *merlon.Site, err error) {
	t.Helper()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	env := merlon.Env{Data: filepath.Join(t.TempDir(), "data"), Mode: merlon.Development, Log: slog.New(slog.DiscardHandler)}
	if site, err = open(env); err != nil {
		return site, err
	}
	if err := site.Start(context.Background()); err != nil {
		return site, err
	}
	t.Cleanup(func() {
		if err := site.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return site, nil
}

// hasSites reports whether the mistake has programs to start; one without has a proof instead.
func hasSites(t *testing.T, m mistake) bool {
	t.Helper()
	_, listed := sites[m.ID]
	if _, err := os.Stat(filepath.Join("testdata", m.ID)); err == nil && !listed {
		t.Errorf("testdata/%s is not listed in sites", m.ID)
	}
	if !listed && len(m.Proofs) == 0 {
		t.Errorf("%s has neither programs nor a proof", m.ID)
	}
	return listed
}

func judgeStart(t *testing.T, m mistake) {
	t.Helper()
	if !hasSites(t, m) {
		return
	}
	_, err := start(t, sites[m.ID].mistake)
	var faults check.Faults
	if !errors.As(err, &faults) {
		t.Errorf("the site starts, or fails otherwise than by its faults: %v", err)
		return
	}
	judgeFindings(t, m, "start", faults)
	if _, err := start(t, sites[m.ID].fixed); err != nil {
		t.Errorf("the way out does not start: %v", err)
	}
}

func judgeCheck(t *testing.T, m mistake) {
	t.Helper()
	if !hasSites(t, m) {
		return
	}
	site, err := start(t, sites[m.ID].mistake)
	if err != nil {
		t.Errorf("the site does not start, so nobody can check it: %v", err)
		return
	}
	judgeFindings(t, m, "check", site.Check(context.Background()).Findings(check.Medium))
	site, err = start(t, sites[m.ID].fixed)
	if err != nil {
		t.Errorf("the way out does not start: %v", err)
		return
	}
	if found := site.Check(context.Background()).Findings(check.Medium); len(found) > 0 {
		t.Errorf("the way out has findings: %v", found)
	}
}

// judgeTest lets the site's own attacker at it, as attack.Test does, with the class that the mistake belongs to.
func judgeTest(t *testing.T, m mistake) {
	t.Helper()
	if !hasSites(t, m) {
		return
	}
	attacked := func(open open) (found check.Faults) {
		report, err := attack.Site(t.Context(), open, attack.Options{Classes: []string{"access"}, Budget: 5 * time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range report.Findings {
			found = append(found, f.Finding)
		}
		for _, c := range report.Coverage.Classes {
			if c.Class == "access" && !c.Complete {
				t.Errorf("the attack was not ended in time: %s", report.Coverage)
			}
		}
		return found
	}
	judgeFindings(t, m, "test", attacked(sites[m.ID].mistake))
	if found := attacked(sites[m.ID].fixed); len(found) > 0 {
		t.Errorf("the way out has findings: %v", found)
	}
}

// judgeFindings compares findings with the marks: each mark is in one of them, and each of them has a mark.
func judgeFindings(t *testing.T, m mistake, stage string, found check.Faults) {
	t.Helper()
	parts := marks(t, filepath.Join(m.ID, "mistake"), stage)
	if len(parts) == 0 {
		t.Errorf("%s: no line // %s: MESSAGE", m.ID, stage)
	}
	marked := make([]bool, len(found))
	for where, part := range parts {
		seen := false
		for i, f := range found {
			if strings.Contains(f.Error(), part) {
				seen, marked[i] = true, true
			}
		}
		if !seen {
			t.Errorf("%s:%d: no finding with %q", where.file, where.line, part)
		}
	}
	for i, f := range found {
		if !marked[i] {
			t.Errorf("a finding without a mark: %v", f)
		}
		t.Log(f)
	}
}
