package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/merlon-web/merlon"
)

// One process holds the database. A command that is typed while the site is up is handed to it over a socket, which only the
// site's own user and root may open: who can, could read the database as well. The socket lies in a folder of its own with
// mode 0700, made before it, so that there is no moment in which others reach it; who connects all the same is asked for
// the user of the process, where the system tells (see mayOrder).

const (
	controlFolder = "run"
	controlNames  = "control-*.sock"
)

// maxSocketPath is how long the path of a socket may be on every system, in bytes (sun_path of BSD).
const maxSocketPath = 100

// controlName is the socket's name, one for each machine: machines that share a file system see one another's sockets and reach none.
// What runs on one kernel, containers too, can reach it; on Linux that has a name of its own.
func controlName() string {
	machine, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		name, _ := os.Hostname()
		machine = []byte(name)
	}
	sum := sha256.Sum256(machine)
	return strings.Replace(controlNames, "*", hex.EncodeToString(sum[:4]), 1)
}

// controlPath is the socket's path, relative where that is shorter; "" if no path is short enough.
func controlPath(data string) string {
	path := filepath.Join(data, controlFolder, controlName())
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
		if wd, err := os.Getwd(); err == nil {
			if rel, err := filepath.Rel(wd, abs); err == nil && len(rel) < len(path) {
				path = rel
			}
		}
	}
	if len(path) > maxSocketPath {
		return ""
	}
	return path
}

// dialControl reaches the process that takes orders. A service from whose sight the kernel's name is hidden has named its socket by the
// machine's: after our own name every other one of the folder is tried, and where nobody listens the first error is returned.
func dialControl(ctx context.Context, own string) (net.Conn, error) {
	c, first := (&net.Dialer{}).DialContext(ctx, "unix", own)
	if first == nil {
		return c, nil
	}
	others, _ := filepath.Glob(filepath.Join(filepath.Dir(own), controlNames)) // a folder whose name is a pattern has our own alone
	for _, path := range others {
		if c, err := (&net.Dialer{}).DialContext(ctx, "unix", path); err == nil {
			return c, nil
		}
	}
	return nil, first
}

// An answer is what came of an order.
type answer struct {
	Exit  int
	Out   []byte
	Error string
}

// control takes orders until it is stopped. Where several processes serve a site from one folder, one of them does.
func (p *program) control(site *merlon.Site) (stop func(), err error) {
	path := controlPath(p.data)
	if path == "" {
		return func() {}, nil // commands then say that the site is running
	}
	if err := privateFolder(filepath.Dir(path)); err != nil {
		return nil, err
	}
	if err := p.mark(site.Mode() != merlon.Production); err != nil {
		return nil, err
	}
	seat := &seat{path: path, shared: site.Shared(), pause: time.Second}
	l, err := seat.take()
	if err != nil {
		return nil, err
	}
	all := append(commandsOf(site), liveCommand, merlon.Command{Name: statusName, Run: runningStatus})
	srv := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		var o order
		if err := json.NewDecoder(io.LimitReader(r.Body, 2*maxInput)).Decode(&o); err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
			return
		}
		_ = json.NewEncoder(rw).Encode(obey(r.Context(), site, all, o))
	})}
	stopped := make(chan struct{})
	go seat.keep(srv, l, stopped)
	return func() {
		close(stopped)
		endWithin(srv, 5*time.Second)
		seat.leave()
	}, nil
}

// endWithin ends a server. What takes longer than the time is broken off, and whoever asked is told.
func endWithin(srv *http.Server, most time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), most)
	defer cancel()
	if srv.Shutdown(ctx) != nil {
		_ = srv.Close()
	}
}

// privateFolder makes a folder that nobody else may enter, or takes the one that is there, if it is one.
func privateFolder(path string) error {
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() { // a link would lead to where others may write
		return fmt.Errorf("%s is no folder: the socket for commands must lie in one that only this user may enter: take it away", path)
	}
	return os.Chmod(path, 0o700) // of another user's it fails
}

// trusted hands on the connections of processes that may give orders.
type trusted struct{ net.Listener }

// Accept implements [net.Listener].
func (t trusted) Accept() (net.Conn, error) {
	for {
		c, err := t.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if mayOrder(c, os.Getuid()) {
			return c, nil
		}
		_ = c.Close()
	}
}

func obey(ctx context.Context, site *merlon.Site, all []merlon.Command, o order) answer {
	for _, cmd := range all {
		if string(cmd.Name) != o.Name {
			continue
		}
		var out bytes.Buffer
		a := answer{}
		if err := run(ctx, site, cmd, o, &out); err != nil {
			a.Exit, a.Error = ExitFailed, err.Error()
			var f *failure
			if errors.As(err, &f) {
				a.Exit = f.code
			}
		}
		a.Out = out.Bytes()
		return a
	}
	return answer{Exit: ExitCannot, Error: "the site that is running has no command " + o.Name + ": it is another build of the program: stop it and start this one"}
}

// send hands an order to the process that is up and prints what it said. locked is the error that told of it.
func (p *program) send(ctx context.Context, o order, locked error) error {
	a, err := p.ask(ctx, o, locked)
	if err != nil {
		return err
	}
	if _, err := p.out.Write(a.Out); err != nil {
		return err
	}
	if a.Exit != ExitDone {
		if a.Error == "" { // it has printed what there is to say
			return &failure{a.Exit, errSilent}
		}
		return &failure{a.Exit, errors.New(a.Error)}
	}
	return nil
}

// ask hands an order to the process that is up and returns its answer.
func (p *program) ask(ctx context.Context, o order, locked error) (answer, error) {
	path := controlPath(p.data)
	if path == "" {
		return answer{}, cannotStart(locked)
	}
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dialControl(ctx, path)
	}}}
	body, err := json.Marshal(o)
	if err != nil {
		return answer{}, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://site/command", bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	res, err := client.Do(r)
	if err != nil {
		if ctx.Err() != nil {
			return answer{}, exit(ExitInterrupted, "interrupted: the running site may have done it all the same: look before you repeat it")
		}
		var dial *net.OpError
		if errors.As(err, &dial) && dial.Op == "dial" { // nobody takes orders
			return answer{}, cannotStart(locked)
		}
		return answer{}, exit(ExitCannot, "the running site has ended before it answered: the order had reached it and may have been carried out: look whether it was before you repeat it")
	}
	defer res.Body.Close()
	var a answer
	if err := json.NewDecoder(res.Body).Decode(&a); err != nil {
		return answer{}, exit(ExitCannot, "the running site's answer was cut off: %w: look whether it was done before you repeat it", err)
	}
	return a, nil
}
