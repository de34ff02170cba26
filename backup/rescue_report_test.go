package backup

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/cli"
	"github.com/merlon-web/merlon/secret"
)

// What the command prints in the end stands in the log when the page has got a site back, and what asks for a deed is a warning.
func TestTheSetUpPageLogsItsReport(t *testing.T) {
	c := newTwoChains(t)
	kit, err := os.ReadFile(c.kits[1])
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	p, site := newHomeless(t, Config{}, &log)
	data := site.House().Data
	r := &rescue{p: p}
	if err := r.begin(t.Context(), site.House(), merlon.RescueWish{Key: secret.New(string(kit))}); err != nil {
		t.Fatal(err)
	}
	select {
	case do := <-site.Replaced():
		if err := site.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := do(); err != nil {
			t.Fatal(err)
		}
	case <-time.After(time.Minute):
		t.Fatalf("the site is not got back: %+v\n%s", r.state(), log.String())
	}
	for _, want := range []string{"INFO the site is back: report=\"site is back", "WARN the site is back: report=\"lost: what happened after", "INFO the site is back: report=\"the data from before lies in " + data + ".before-restore-"} {
		level, report, _ := strings.Cut(want, " the site is back: ")
		if !strings.Contains(log.String(), "level="+level+` msg="the site is back" `+report) {
			t.Errorf("the log has no %s %s:\n%s", level, report, log.String())
		}
	}
	told := ""
	for _, line := range homeOf(data).readBack(time.Now()) {
		told += line.Error() + "\n"
	}
	has(t, told, "as it was on 20", "is lost", "may have come back")
	if strings.Contains(told, "{0}") || strings.Contains(told, "held") || len(homeOf(data).readBack(time.Now().Add(2*backTime))) > 0 {
		t.Errorf("the page tells:\n%s", told)
	}
	back := &program{t: t, data: data}
	out, _ := back.run(cli.ExitDone, "events", "--id", merlon.RuleRestored.ID, "--json")
	has(t, out, "set-up page", "lost")
}
