package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/trust/cert"
)

const defaultListen = "127.0.0.1:8080"

func (p *program) env(mode merlon.Mode) merlon.Env {
	level := slog.LevelInfo
	switch {
	case p.quiet:
		level = slog.LevelError
	case p.verbose:
		level = slog.LevelDebug
	}
	env := merlon.Env{Data: p.data, Mode: mode, Log: event.NewLog(p.err, false, level), NoJobs: p.brief}
	if !p.brief || p.sends {
		env.Settings.Mail = mailSettings()
	}
	return env
}

func (p *program) serve() *cobra.Command {
	var listen string
	var demo, secure, production bool
	c := &cobra.Command{
		Use: "serve", GroupID: "start", Short: "run the site: in development on this machine, or in the world",
		Example: "  " + programName() + " serve --listen 127.0.0.1:8081\n  " + programName() + " serve --production\n  " + programName() + " serve -v   # a line for each request",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := p.notAsRoot(); err != nil {
				return err
			}
			if !production {
				return p.runServe(c.Context(), listen, demo, secure)
			}
			for _, other := range []string{"listen", "demo", "tls"} {
				if c.Flags().Changed(other) {
					return exit(ExitUsage, "--%s is for development: with --production %s says where and how to listen: leave it out", other, settingsName)
				}
			}
			return p.runProduction(c.Context())
		},
	}
	c.Flags().StringVar(&listen, "listen", defaultListen, "address and port; :0 takes a free port")
	c.Flags().BoolVar(&demo, "demo", false, "fill an empty site with data to try it")
	c.Flags().BoolVar(&secure, "tls", false, "speak TLS, by an authority of this machine's own, whose key is made in the user's folder of settings (~/.config/merlon)")
	c.Flags().BoolVar(&production, "production", false, "run the site in the world, as "+settingsName+" says")
	return c
}

// runServe serves the site, and serves it anew when its data was replaced meanwhile.
func (p *program) runServe(ctx context.Context, listen string, demo, secure bool) error {
	for {
		replace, addr, err := p.serveOnce(ctx, listen, demo, secure)
		if err != nil || replace == nil {
			return err
		}
		if err := replace(); err != nil {
			fmt.Fprintln(p.err, err) // the site goes on with the data that it had
		}
		listen, demo = addr, false
	}
}

// serveOnce serves until ctx is done, or until the site asks to be replaced.
func (p *program) serveOnce(ctx context.Context, listen string, demo, secure bool) (replace func() error, addr string, err error) {
	site, err := p.opened(p.servingEnv())
	if err != nil {
		return nil, "", err
	}
	if err := p.mayListen(site, listen); err != nil {
		return nil, "", err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return nil, "", cannotListen(listen, err)
	}
	defer l.Close()
	serving, stop := context.WithCancel(ctx)
	defer stop()
	asked := make(chan func() error, 1)
	go func() {
		select {
		case do := <-site.Replaced():
			asked <- do
			stop()
		case <-serving.Done():
		}
	}()
	if err := p.serveSite(serving, site, l, demo, secure); err != nil {
		return nil, "", err
	}
	select {
	case do := <-asked:
		return do, l.Addr().String(), nil
	default:
		if !p.quiet {
			fmt.Fprintln(p.err, "stopped")
		}
		return nil, "", nil
	}
}

// servingEnv is the environment of a site that is served: it can be put together once more, beside itself.
func (p *program) servingEnv() merlon.Env {
	env := p.env(merlon.Development)
	if p.verbose && !p.quiet {
		env.Requests = func(a merlon.Answered, path string) { fmt.Fprintln(p.err, requestLine(a, path)) }
	}
	env.Again = func(data string, mode merlon.Mode) (*merlon.Site, error) {
		again := p.env(mode)
		again.Data, again.NoJobs = data, true
		return p.open(again)
	}
	return env
}

// requestLine is what serve -v prints of a request. What is as long as a token is left out of its path.
func requestLine(a merlon.Answered, path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if len(s) >= shortestToken && !strings.Contains(s, ".") {
			segments[i] = "…"
		}
	}
	return fmt.Sprintf("%s %s %d %d B %.1f ms", a.Method, event.Clean(strings.Join(segments, "/")), a.Status, a.Bytes, float64(a.Took.Microseconds())/1000)
}

// shortestToken is the length from which a segment of a path may be a secret, in bytes.
const shortestToken = 20

// serveSite starts a site and serves it on a listener.
func (p *program) serveSite(ctx context.Context, site *merlon.Site, l net.Listener, demo, secure bool) error {
	if err := site.Start(ctx); err != nil {
		return cannotStart(err)
	}
	lines := [][2]string{}
	var local *cert.Local
	var err error
	if secure {
		if local, err = openLocal(site, p.data); err != nil {
			return errors.Join(exit(ExitCannot, "no certificate can be made: %w", err), closeSite(site))
		}
		lines = append(lines, [2]string{"trust its authority", local.Authority})
	}
	if demo && !site.HasDemo() {
		fmt.Fprintln(p.err, "--demo: this site has no data to try it with: no part of it fills any in; it starts as it is")
	}
	if demo {
		more, err := site.Demo(ctx)
		if err != nil {
			return errors.Join(exit(ExitFailed, "the demo data could not be filled in: %w", err), closeSite(site))
		}
		if len(more) == 0 {
			more = site.DemoLines()
		}
		if len(more) == 0 && site.HasDemo() {
			fmt.Fprintf(p.err, "--demo: nothing was filled in: %s has data already, and what is there is not mixed with data to try: for a site with it name another folder: --data DIR\n", p.data)
		}
		lines = append(lines, more...)
	}
	stop, err := p.control(site)
	if err != nil {
		return errors.Join(exit(ExitCannot, "the socket for commands cannot be made in the data folder: %w", err), closeSite(site))
	}
	defer stop()
	if secure {
		site.ListeningTLS(l.Addr())
	} else {
		site.Listening(l.Addr())
	}
	more, err := site.Ready(ctx)
	if err != nil {
		return errors.Join(cannotStart(err), closeSite(site))
	}
	lines = append(lines, more...)
	if server := site.MailServer(); server != "" {
		lines = append(lines, [2]string{"mail is sent through", server})
	} else if site.HasSignIn() { // its mails wait there
		lines = append(lines, [2]string{"mail, in development", site.Origin() + "/_merlon/dev/mail"})
	}
	if site.House().InMaintenance() {
		lines = append(lines, [2]string{"maintenance is on", "visitors get 503; open it: " + programName() + " maintenance off"})
	}
	p.announce(site, lines)
	if !p.quiet {
		blind := check.Choice{Only: []string{merlon.RuleVisitor.ID}} // a sign-in that works looks broken there
		for _, f := range check.Run(context.WithoutCancel(ctx), blind.Of(site.Checks())...).Findings(check.Low) {
			fmt.Fprintln(p.err)
			fmt.Fprint(p.err, f.Text())
		}
	}
	debug.FreeOSMemory() // what starting needed (pages compiled, hashes measured) is given back once: a third of the process
	if secure {
		err = site.ServeTLS(ctx, l, cert.Config(local))
	} else {
		err = site.Serve(ctx, l)
	}
	if err := errors.Join(err, closeSite(site)); err != nil {
		return exit(ExitFailed, "the site stopped: %w", err)
	}
	return nil
}

// openLocal makes the certificate of `serve --tls`. The authority is one for all sites of the user, so that browsers are told
// to trust it once; where there is no such folder it is in the site's data.
func openLocal(site *merlon.Site, data string) (*cert.Local, error) {
	dir := filepath.Join(data, "local-ca")
	if config, err := os.UserConfigDir(); err == nil {
		dir = filepath.Join(config, "merlon")
	}
	return cert.OpenLocal(dir, site.Name(), time.Now())
}

func closeSite(s *merlon.Site) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return s.Close(ctx)
}

// announce prints where the site is and what its parts have to say.
func (p *program) announce(site *merlon.Site, lines [][2]string) {
	name := site.Name()
	if name == "" {
		name = "the site"
	}
	if p.json {
		all := map[string]string{"schema": "merlon/serve/v1", "address": site.Origin()}
		for _, l := range lines {
			all[l[0]] = l[1]
		}
		p.printJSON(all)
		return
	}
	t := tabwriter.NewWriter(p.out, 0, 0, 3, ' ', 0)
	fmt.Fprintf(t, "%s is running\t%s\n", name, site.Origin())
	for _, l := range lines {
		fmt.Fprintf(t, "%s\t%s\n", l[0], l[1])
	}
	_ = t.Flush()
	fmt.Fprintln(p.out, "\ndevelopment mode: pages are read again when you save; stop with Ctrl-C")
}

// mayListen refuses a sign-in that others on the network could listen to.
func (p *program) mayListen(site *merlon.Site, listen string) error {
	if _, _, err := net.SplitHostPort(listen); err != nil {
		return exit(ExitUsage, "--listen %q is not an address: %s: write 127.0.0.1:8080", listen, err)
	}
	if _, port, _ := net.SplitHostPort(listen); port != "" {
		if _, err := net.LookupPort("tcp", port); err != nil {
			return exit(ExitUsage, "--listen %q has no port that there is: ports are numbers up to 65535: write 127.0.0.1:8080", listen)
		}
	}
	if onLoopback(listen) || !site.HasSignIn() {
		return nil
	}
	return exit(ExitRefused, "%s is not on this machine only: this site has a sign-in, and without TLS its passwords and cookies could be read on the way: listen on 127.0.0.1  MRL-CLI-001", listen)
}

// cannotListen names a busy port and offers the next free one.
func cannotListen(listen string, err error) error {
	host, port, _ := net.SplitHostPort(listen)
	n, convErr := strconv.Atoi(port)
	if !errors.Is(err, syscall.EADDRINUSE) || convErr != nil {
		return exit(ExitCannot, "cannot listen on %s: %w: choose another with --listen", listen, err)
	}
	for next := n + 1; next < n+20 && next < 65536; next++ {
		free := net.JoinHostPort(host, strconv.Itoa(next))
		l, err := net.Listen("tcp", free)
		if err != nil {
			continue
		}
		_ = l.Close()
		return exit(ExitCannot, "port %d is in use by another program: two cannot have it: stop that one, or run: %s serve --listen %s", n, programName(), free)
	}
	return exit(ExitCannot, "port %d is in use by another program: two cannot have it: stop that one, or choose another with --listen", n)
}

// cannotStart tells apart what is the site's fault and what is that of its surroundings.
func cannotStart(err error) error {
	var edited *db.EditedError
	switch {
	case errors.As(err, &edited):
		return exit(ExitFailed, "%s\nthe database was made by another text of this migration: nothing was started", edited)
	case errors.Is(err, merlon.ErrPending):
		var pending check.Finding
		if errors.As(err, &pending) {
			pending.Do = "run: " + programName() + " migrate up" // as it is typed here
			return exit(ExitCannot, "%s", strings.TrimSpace(pending.Text()))
		}
		return exit(ExitCannot, "%w", err)
	case errors.Is(err, db.ErrLocked):
		return exit(ExitCannot, "%w", err)
	case errors.Is(err, context.Canceled):
		return exit(ExitInterrupted, "interrupted while the site was started: %w", err)
	}
	return exit(ExitCannot, "the site cannot start: %w", err)
}
