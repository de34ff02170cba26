package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/trust/cert"
)

// world is one run of serve --production.
type world struct {
	*program
	set    settings
	site   *merlon.Site
	log    *slog.Logger
	source cert.Source // nil: a proxy ends TLS
	handed map[string]net.Listener
}

// runProduction serves the site in the world: what is not right refuses the start, what is accepted is answered, and of what
// happens the log has one JSON line.
func (p *program) runProduction(ctx context.Context) error {
	w := &world{program: p}
	var err error
	if w.set, err = readSettings(settingsName, os.Environ()); err != nil {
		return err
	}
	if err := w.set.lacks().Err(); err != nil {
		return &failure{ExitFailed, err}
	}
	if w.handed, err = handedOver(); err != nil {
		return exit(ExitCannot, "the sockets that were handed over cannot be used: %w", err)
	}
	if w.set.Serve.Memory != "off" {
		limitMemory()
	}
	level := slog.LevelInfo
	if p.verbose {
		level = slog.LevelDebug
	}
	w.log = event.NewLog(p.err, true, level)
	if w.source, err = w.set.certificates(p.data, w.log); err != nil {
		return &failure{ExitFailed, err}
	}
	w.site, err = p.opened(merlon.Env{Data: p.data, Mode: merlon.Production, Log: w.log, Settings: w.set.site(), Certificates: w.source})
	if err != nil {
		return err
	}
	if err := w.site.Start(ctx); err != nil {
		return cannotStart(err)
	}
	return errors.Join(w.run(ctx), closeSite(w.site))
}

// lacks are what a start in the world needs and the settings do not say. No serve.skip lets them pass.
func (s *settings) lacks() (all check.Faults) {
	lack := func(setting, what, do string) {
		all = append(all, RuleProduction.Finding(setting, what, do))
	}
	if s.Site.Origin == "" {
		lack("site.host", "no public host is set: the site would not know its own name", "set site.host in "+settingsName)
	}
	if strings.HasPrefix(s.Site.Origin, "http://") {
		lack("site.origin", "it is "+s.Site.Origin+", which is not encrypted: whoever is on the way reads along", "write https:// in it, or leave it out: site.host is enough")
	}
	if s.TLS.Mode == "" {
		lack("tls.mode", "it is not set in "+settingsName+": without TLS whoever is on the way reads along", "write acme, files, or proxy when one in front of the site ends TLS")
	}
	if s.Serve.Health != "off" && !onLoopback(s.Serve.Health) {
		lack("serve.health", fmt.Sprintf("it is %q, which others reach: how the site is does not concern them", s.Serve.Health), `write 127.0.0.1:8081, or "off"`)
	}
	return all
}

func onLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}

func (w *world) run(ctx context.Context) error {
	if err := w.judge(ctx); err != nil {
		return err
	}
	if ctx.Err() != nil { // not all was judged
		w.log.Info("told to end before the site was up")
		return nil
	}
	w.tellAges(ctx)
	l, err := w.listen("site", w.set.Serve.Listen)
	if err != nil {
		return err
	}
	defer l.Close()
	h := &health{site: w.site}
	if w.set.Serve.Health != "off" {
		hl, err := w.listen("health", w.set.Serve.Health)
		if err != nil {
			return err
		}
		h.listen(hl)
		defer h.stop()
	}
	stopRedirect, err := w.redirect()
	if err != nil {
		return err
	}
	defer stopRedirect()
	stopControl, err := w.control(w.site)
	if err != nil {
		return exit(ExitCannot, "the socket for commands cannot be made in the data folder: %w", err)
	}
	defer stopControl()
	lines, err := w.site.Ready(ctx)
	if err != nil {
		return cannotStart(err)
	}
	for _, line := range lines {
		fmt.Fprintf(w.out, "%s\t%s\n", line[0], line[1]) // the link for the first administrator: never into the log
	}
	if a, ok := w.source.(*cert.ACME); ok {
		fetching, stop := context.WithCancel(ctx)
		defer stop()
		go a.Keep(fetching)
	}
	debug.FreeOSMemory()
	h.ready.Store(true)
	w.log.Info("the site is up", "address", w.set.Site.Origin, "listens", l.Addr().String())
	notify("READY=1\nSTATUS=serving " + w.set.Site.Origin)
	if err := w.serve(ctx, l, h); err != nil {
		return exit(ExitFailed, "the site stopped: %w", err)
	}
	w.log.Info("the site has stopped")
	return nil
}

// serve answers until ctx is done; then /readyz goes down first, and for the time that the owner set the site goes on, so
// that whoever sends visitors here has seen it.
func (w *world) serve(ctx context.Context, l net.Listener, h *health) error {
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	go func() {
		select {
		case <-ctx.Done():
		case <-serving.Done():
			return
		}
		h.ready.Store(false)
		notify("STOPPING=1")
		w.log.Info("told to end: what was accepted is answered")
		select {
		case <-time.After(time.Duration(w.set.Serve.PreDrain)):
		case <-serving.Done():
		}
		stop()
	}()
	if w.source == nil {
		return w.site.Serve(serving, l)
	}
	return w.site.ServeTLS(serving, l, cert.Config(w.source))
}

// judge runs the checks and refuses the start by those of the highest weight.
func (w *world) judge(ctx context.Context) error {
	skipped := w.set.skipped()
	if err := w.knownSkips(w.site, skipped); err != nil {
		return err
	}
	var grave check.Faults
	for _, f := range stopping(w.site.CheckDeploy(ctx).Findings(check.High)) {
		if reason, ok := skipped[f.ID]; ok {
			w.log.Warn("a finding of check is not minded", "id", f.ID, "finding", f.What, "reason", reason)
			continue
		}
		grave = append(grave, f)
	}
	if len(grave) == 0 {
		return nil
	}
	if w.json {
		w.printJSON(map[string]any{"schema": "merlon/faults/v1", "faults": grave})
	} else {
		fmt.Fprintln(w.err, grave.Error())
		fmt.Fprintf(w.err, "\n%d to mend before this site serves the world. More on each: %s explain ID\n", len(grave), programName())
		fmt.Fprintf(w.err, "Whoever must serve with one says why, in %s: [serve] skip = [\"%s=WHY\"]\n", settingsName, grave[0].ID)
	}
	return &failure{ExitFailed, errSilent}
}

// stopping are those of the gravest findings that refuse a start in the world. Of a certificate that ended it is told, and it is
// shown on: with ACME only a site that is up gets a new one, and an old one is no worse than none.
func stopping(grave check.Faults) check.Faults {
	return slices.DeleteFunc(slices.Clone(grave), func(f check.Finding) bool { return f.ID == cert.RuleEnded.ID })
}

// skipped are the findings that do not stop the start, with their reasons.
func (s *settings) skipped() map[string]string {
	all := map[string]string{}
	for _, one := range s.Serve.Skip {
		id, reason, _ := strings.Cut(one, "=")
		all[strings.ToUpper(strings.TrimSpace(id))] = strings.TrimSpace(reason)
	}
	return all
}

// listen takes the socket that was handed over, or makes one: "127.0.0.1:8080", ":443", "unix:/run/shop/socket".
func (w *world) listen(name, address string) (net.Listener, error) {
	if l := w.handed[name]; l != nil {
		return l, nil
	}
	network := "tcp"
	if file, ok := strings.CutPrefix(address, "unix:"); ok {
		network, address = "unix", file
		if err := clearSocket(file); err != nil {
			return nil, err
		}
	}
	l, err := net.Listen(network, address)
	if errors.Is(err, os.ErrPermission) {
		return nil, exit(ExitCannot, "cannot listen on %s: %w: ports below 1024 are for whoever has CAP_NET_BIND_SERVICE, as the unit of deploy systemd gives it", address, err)
	}
	if err != nil {
		return nil, exit(ExitCannot, "cannot listen on %s: %w: choose another in %s", address, err, settingsName)
	}
	if network == "unix" { // the umask would keep the server in front out, which is in the socket's group
		if err := os.Chmod(address, 0o660); err != nil {
			return nil, errors.Join(exit(ExitCannot, "the mode of the socket %s cannot be set to 0660: %w: choose another folder in %s", address, err, settingsName), l.Close())
		}
	}
	return l, nil
}

// clearSocket takes away a socket that a dead process has left. Whatever is no socket stays, and so does one that somebody
// listens on: the lock of the data says nothing of other programs.
func clearSocket(file string) error {
	info, err := os.Lstat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return exit(ExitCannot, "cannot listen on %s: %w: choose another in %s", file, err, settingsName)
	case info.Mode().Type() != fs.ModeSocket:
		return exit(ExitCannot, "cannot listen on %s: something lies there that is no socket, and it is left as it is: name another file in %s, or take it away", file, settingsName)
	}
	c, err := net.DialTimeout("unix", file, time.Second)
	if err == nil {
		_ = c.Close()
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return exit(ExitCannot, "cannot listen on %s: another program listens there: stop that one, or name another file in %s", file, settingsName)
	}
	if err := os.Remove(file); err != nil {
		return exit(ExitCannot, "cannot listen on %s: the socket of a process that has ended cannot be taken away: %w", file, err)
	}
	return nil
}

// redirect listens for plain HTTP and leads to TLS, where TLS is this process's.
func (w *world) redirect() (stop func(), err error) {
	if w.source == nil || w.set.Serve.Redirect == "off" {
		return func() {}, nil
	}
	l, err := w.listen("redirect", w.set.Serve.Redirect)
	if err != nil {
		return nil, err
	}
	srv := w.site.Server()
	srv.Handler = w.site.Redirect()
	g := w.site.Guard(srv)
	go func() {
		if err := srv.Serve(g.Listener(l)); !errors.Is(err, http.ErrServerClosed) {
			w.log.Error("the redirect from plain HTTP has ended", "error", err.Error())
		}
	}()
	return func() { _ = srv.Close() }, nil
}
