package backup

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/browse"
	"github.com/merlon-web/merlon/internal/setting"
)

// A told child: what the child of a drill writes when its site is up. The users' secrets are worth something in the copy only.
type told struct {
	Users    []merlon.ProbeUser `json:"users"`
	Origin   string             `json:"origin"`
	Problems []string           `json:"problems"`
	Orphans  int                `json:"orphans"`
	Tables   map[string]int64   `json:"tables"`
	Steps    map[string]float64 `json:"steps"`
	Findings []toldFinding      `json:"findings"` // of check
	Own      int                `json:"-"`        // how many the site has too
	Network  string             `json:"network"`
	Error    string             `json:"error,omitempty"`
}

// A toldFinding is one of them.
type toldFinding struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

// The ways in which a copy is kept from calling out.
const (
	emptyNetwork  = "an empty network namespace"
	refusingDials = "a dialer that refuses"
)

// child is `drill-child`: it proves the copy, makes users in it, has the rooms void what they void, and serves it at a socket
// until its standard input ends.
func (p *part) child(ctx context.Context, c *merlon.Call) error {
	dials := refuseDials()
	enc := json.NewEncoder(c.Out)
	t := &told{Steps: map[string]float64{}, Network: refusingDials}
	if networkIsEmpty() {
		t.Network = emptyNetwork
	}
	dials.Store(0)
	site, err := p.raise(ctx, c.Apart, c.Arg(0), t)
	if err != nil {
		t.Error = err.Error()
		return errors.Join(enc.Encode(t), err)
	}
	defer func() { _ = site.Close(context.WithoutCancel(ctx)) }()
	l, err := net.Listen("unix", c.Arg(1))
	if err != nil {
		t.Error = err.Error()
		return errors.Join(enc.Encode(t), err)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() { // the parent has done with it, or died
		_, _ = io.Copy(io.Discard, c.Apart.Input)
		stop()
	}()
	if err := enc.Encode(t); err != nil {
		return err
	}
	err = site.Serve(ctx, l)
	return errors.Join(err, enc.Encode(map[string]int64{"dials": dials.Load()}))
}

// raise brings the copy up.
func (p *part) raise(ctx context.Context, a *merlon.Apart, folder string, t *told) (*merlon.Site, error) {
	step := func(name string, do func() error) error {
		began := time.Now()
		err := do()
		t.Steps[name] = seconds(time.Since(began))
		return err
	}
	site, err := a.Open(folder, merlon.Drill)
	if err != nil {
		return nil, err
	}
	if err := step("integrity", func() error {
		proof, err := site.Prove(ctx)
		t.Problems, t.Orphans, t.Tables = proof.Problems, proof.ForeignKeys, proof.Tables
		return err
	}); err != nil || len(t.Problems) > 0 {
		return nil, errors.Join(err, errDamaged(t.Problems))
	}
	if err := step("migrate", func() error { _, err := site.Migrate(ctx); return err }); err != nil {
		return nil, err
	}
	if err := step("uploads", func() error { return allUploads(ctx, site) }); err != nil {
		return nil, err
	}
	if err := step("users", func() error { return makeUsers(ctx, site, t) }); err != nil {
		return nil, err
	}
	if err := step("transform", func() error {
		_, err := site.Restore(ctx, merlon.Restore{Point: "drill", Instant: time.Now(), Now: time.Now(), Who: "drill"})
		return err
	}); err != nil {
		return nil, err
	}
	if err := step("boot", func() error { return site.Start(ctx) }); err != nil {
		return nil, err
	}
	t.Origin = site.Origin()
	for _, f := range site.Check(ctx).Findings(check.Medium) {
		if !strings.HasPrefix(f.ID, "MRL-BACK-") && f.ID != db.RuleReaderReach.ID { // a copy has no backups, and no administrator of its server
			t.Findings = append(t.Findings, toldFinding{f.ID, f.Error()})
		}
	}
	return site, nil
}

func errDamaged(problems []string) error {
	if len(problems) == 0 {
		return nil
	}
	return fmt.Errorf("backup: the database is damaged: %s", problems[0])
}

// makeUsers starts the copy for a moment, as it was, and makes what the restore must void.
func makeUsers(ctx context.Context, site *merlon.Site, t *told) error {
	probes := probesOf(site)
	if len(probes) == 0 {
		return nil
	}
	if err := site.Start(ctx); err != nil {
		return err
	}
	var failed error
	for _, p := range probes {
		users, err := p.Users(ctx, site.House())
		t.Users, failed = append(t.Users, users...), errors.Join(failed, err)
	}
	return errors.Join(failed, site.Close(ctx))
}

func probesOf(site *merlon.Site) (all []*merlon.Probe) {
	for _, part := range site.Parts() {
		if part.Probe != nil {
			all = append(all, part.Probe)
		}
	}
	return all
}

var errNoNetwork = errors.New("backup: this is a drill on a copy: it calls nobody")

// refuseDials takes the standard library's ways out away, and counts who tries.
func refuseDials() *atomic.Int64 {
	var n atomic.Int64
	refuse := func(context.Context, string, string) (net.Conn, error) {
		n.Add(1)
		return nil, errNoNetwork
	}
	http.DefaultTransport = &http.Transport{DialContext: refuse, DialTLSContext: refuse}
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: refuse}
	return &n
}

// boot starts the child on a copy and uses it.
func (p *part) boot(ctx context.Context, h *merlon.House, e *Evidence, folder string, inner *Inner, began time.Time) error {
	e.Build = inner.Build
	socket, err := os.MkdirTemp("", "merlon-drill-") // a path of its own: those of sockets must be short
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	defer os.RemoveAll(socket)
	stop, err := lend(ctx, h.Carrier(), folder, filepath.Join(socket, "db"))
	if err != nil {
		return err
	}
	defer stop()
	cmd, in, out, err := startChild(ctx, folder, filepath.Join(socket, "s"), childEnvironment(h.Shared()))
	if err != nil {
		return err
	}
	ended := false
	defer func() {
		if !ended {
			_ = cmd.Process.Kill()
			_ = in.Close()
			_ = cmd.Wait()
		}
	}()
	lines := bufio.NewReader(out)
	t := &told{}
	if err := json.NewDecoder(lines).Decode(t); err != nil {
		e.Failed = "boot"
		return fmt.Errorf("backup: the program did not come up on the copy: %w: %s", err, lastWords(cmd))
	}
	for step, s := range t.Steps {
		e.Steps[step] = s
	}
	if len(t.Findings) > 0 {
		t.disregard(h.Check(ctx).Findings(check.Medium))
	}
	if err := e.compare(t, inner); err != nil {
		return err
	}
	_, err = timed(e, "pages", func() (struct{}, error) { return struct{}{}, e.use(ctx, h, t, filepath.Join(socket, "s"), began) })
	if err != nil {
		return err
	}
	ended = true
	_ = in.Close()
	var last struct{ Dials int64 }
	text, _ := io.ReadAll(io.LimitReader(lines, 1<<20))
	err = cmd.Wait()
	if i := strings.LastIndex(strings.TrimSpace(string(text)), "\n"); json.Unmarshal([]byte(strings.TrimSpace(string(text))[i+1:]), &last) == nil {
		e.Checks.Dials = last.Dials
	} else if err == nil {
		err = errors.New("it did not say whether it tried to call out")
	}
	switch {
	case err != nil:
		return fmt.Errorf("backup: the copy did not stop in order: %w: %s", err, lastWords(cmd))
	case e.Checks.Dials > 0:
		return fmt.Errorf("backup: the copy tried to call out %d times: a drill must reach nobody: see what does so at start", e.Checks.Dials)
	}
	return nil
}

// disregard takes out what check finds in the site as well: mails that a restore held for six hours, say. That is told there, and
// is no fault of the backup.
func (t *told) disregard(own check.Faults) {
	all := len(t.Findings)
	t.Findings = slices.DeleteFunc(t.Findings, func(f toldFinding) bool {
		return slices.ContainsFunc(own, func(o check.Finding) bool { return o.ID == f.ID })
	})
	t.Own = all - len(t.Findings)
}

// compare holds what the child found against what the point says.
func (e *Evidence) compare(t *told, inner *Inner) error {
	e.Checks.Network, e.Checks.ForeignKeys = t.Network, t.Orphans
	if t.Error != "" {
		e.Failed = "boot"
		return fmt.Errorf("backup: the program did not come up on the copy: %s", t.Error)
	}
	e.Checks.Integrity, e.Checks.Uploads = "ok", inner.uploads()
	for name, n := range inner.Tables {
		if t.Tables[name] != n {
			e.Failed = "rows"
			return fmt.Errorf("backup: the table %s has %d rows in the copy, and had %d when it was copied", name, t.Tables[name], n)
		}
		e.Checks.RowsEqual++
	}
	if t.Orphans > 0 {
		return fmt.Errorf("backup: %d rows of the copy refer to rows that are not there", t.Orphans)
	}
	e.Checks.Check = "pass"
	if t.Own > 0 {
		e.Checks.Check = fmt.Sprintf("pass, %d findings that the site has too", t.Own)
	}
	if len(t.Findings) > 0 {
		e.Checks.Check = fmt.Sprintf("%d findings", len(t.Findings))
		return fmt.Errorf("backup: check finds in the copy, and not in the site: %s", t.Findings[0].Text)
	}
	return nil
}

// pagesRead bounds how many pages of each role a drill reads.
const pagesRead = 40

// use is a user of each role: signs in, reads what has no id in its path, tries the old cookie and link, and posts.
func (e *Evidence) use(ctx context.Context, h *merlon.House, t *told, socket string, began time.Time) error {
	browser := func() *browse.Browser { return browse.New(t.Origin, "unix", socket) }
	first := browser()
	defer first.Close()
	status, err := first.Get(ctx, "/")
	e.RTO = seconds(time.Since(began))
	if err != nil || status >= 500 {
		return errors.Join(fmt.Errorf("backup: the first page of the copy answered %d", status), err)
	}
	var signIn, post func(context.Context, merlon.Browser, merlon.ProbeUser) error
	for _, p := range h.Probes() {
		signIn, post = p.SignIn, p.Post
	}
	for _, u := range t.Users {
		b := browser()
		defer b.Close()
		if err := signIn(ctx, b, u); err != nil {
			return fmt.Errorf("backup: nobody of the role %q can sign in to the copy: %w", u.Role, err)
		}
		e.Checks.SignIn = "ok"
		e.Checks.Users++
		own, err := e.readPages(ctx, h, b, first)
		if err != nil {
			return fmt.Errorf("backup: as a user of the role %q: %w", u.Role, err)
		}
		if err := e.refused(ctx, browser, u, own); err != nil {
			return err
		}
		if post == nil { // the sign-ins, each of which writes a session, a device and an event
			continue
		}
		if err := post(ctx, b, u); err != nil {
			return fmt.Errorf("backup: what a user of the role %q posts is not kept: %w", u.Role, err)
		}
		e.Checks.Post = "ok"
	}
	return nil
}

// readPages reads every page that a visitor can load without an id, and returns one that only somebody who is signed in sees.
func (e *Evidence) readPages(ctx context.Context, h *merlon.House, b, nobody *browse.Browser) (own string, err error) {
	read := 0
	for _, r := range h.Routes() {
		if r.Method != http.MethodGet || strings.ContainsAny(r.Pattern, "{}") || strings.HasPrefix(r.Pattern, "/_merlon/") || len(r.Options) > 0 || read >= pagesRead {
			continue
		}
		status, err := b.Get(ctx, r.Pattern)
		if err != nil {
			return "", err
		}
		if status >= 500 {
			return "", fmt.Errorf("the page %s answered %d", r.Pattern, status)
		}
		read++
		if status != http.StatusOK || b.Path() != r.Pattern {
			continue
		}
		e.Checks.Pages++
		if own == "" {
			if status, err := nobody.Get(ctx, r.Pattern); err != nil || status != http.StatusOK || nobody.Path() != r.Pattern {
				own = r.Pattern
			}
		}
	}
	if own == "" {
		return "", errors.New("no page was shown that a visitor who is not signed in may not see")
	}
	return own, nil
}

// refused tries what was good before the copy was made fit for use.
func (e *Evidence) refused(ctx context.Context, browser func() *browse.Browser, u merlon.ProbeUser, own string) error {
	thief := browser()
	defer thief.Close()
	thief.SetCookie(u.Cookie)
	if status, err := thief.Get(ctx, own); err != nil || status == http.StatusOK && thief.Path() == own {
		return errors.Join(fmt.Errorf("backup: a session from before the restore of role %q still opens %s", u.Role, own), err)
	}
	e.Checks.OldCookie = "refused"
	if status, err := thief.Get(ctx, u.Link); err != nil || status < 400 {
		return errors.Join(fmt.Errorf("backup: a mailed link from before the restore of role %q answers %d", u.Role, status), err)
	}
	e.Checks.OldLink = "refused"
	return nil
}

// childEnvironment is what the child may know: no address, no password, no token of the site's. Of a site on a database server it
// knows the names of the two roles, as which it is signed in to the copy.
func childEnvironment(shared bool) (env []string) {
	names := []string{"PATH", "HOME", "LANG", "TZ", "TMPDIR", "TMP", "TEMP", "SystemRoot", "USERPROFILE", "GOCOVERDIR"}
	if shared {
		names = append(names, setting.DatabaseURL.Variable(), "MERLON_DB_READER")
	}
	for _, name := range names {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// startChild starts the site's own program on a folder, without network where the system lets it.
func startChild(ctx context.Context, folder, socket string, env []string) (*exec.Cmd, io.WriteCloser, io.Reader, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, nil, fmt.Errorf("backup: the program does not know itself: %w", err)
	}
	var failed error
	for _, empty := range []bool{true, false} {
		cmd := exec.CommandContext(ctx, self, "drill-child", folder, socket, "--data", folder, "--quiet")
		cmd.Env, cmd.WaitDelay = env, 10*time.Second
		cmd.Stderr = &words{}
		if empty && !emptyNetworkFor(cmd) {
			continue
		}
		in, err := cmd.StdinPipe()
		if err != nil {
			return nil, nil, nil, fmt.Errorf("backup: %w", err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			return nil, nil, nil, fmt.Errorf("backup: %w", err)
		}
		if failed = cmd.Start(); failed == nil {
			return cmd, in, out, nil
		}
	}
	return nil, nil, nil, fmt.Errorf("backup: the program cannot be started on the copy: %w", failed)
}

// words keep the end of what a child says.
type words struct{ b []byte }

func (w *words) Write(p []byte) (int, error) {
	w.b = append(w.b, p...)
	w.b = slices.Clone(w.b[max(0, len(w.b)-2000):])
	return len(p), nil
}

func lastWords(cmd *exec.Cmd) string {
	_ = cmd.Process.Kill()
	_ = cmd.Wait() // so that all it said is there
	return strings.TrimSpace(string(cmd.Stderr.(*words).b))
}
