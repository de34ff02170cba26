package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/merlon-web/merlon"
)

// Servers run in processes of their own, on one core each side of the wire: the server on the first, this program on the
// others. Every peer is started in the same way: it is given a listening socket as file 3 and lives until its standard
// input closes, or it is told to end.

// serveVariable names the server that a child of this program is to be; it is a variable and not a flag, so that the test
// binary can be a child too.
const serveVariable = "MERLON_BENCH_SERVE"

// A server is a running child.
type server struct {
	name string
	addr string
	cmd  *exec.Cmd
	in   io.Closer
	log  *os.File
	gone chan error // what the process ended with
}

// startSelf starts this program as the named server over the files of dir, on the first core.
func startSelf(ctx context.Context, name, dir string, ready []byte) (*server, error) {
	return startAs(ctx, name, dir, ready, onFirstCore, "GOMAXPROCS=1")
}

// startSelfOnAll is startSelf with all cores.
func startSelfOnAll(ctx context.Context, name, dir string, ready []byte) (*server, error) {
	return startAs(ctx, name, dir, ready, func(start func() error) error { return start() })
}

func startAs(ctx context.Context, name, dir string, ready []byte, place func(start func() error) error, env ...string) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self)
	cmd.Env = append(append(os.Environ(), serveVariable+"="+name), env...)
	if profile := os.Getenv(profileVariable); profile != "" {
		cmd.Env = append(cmd.Env, profileVariable+"="+profile+"-"+name+"-"+filepath.Base(dir))
	}
	cmd.Dir = dir
	return start(ctx, name, dir, cmd, ready, place)
}

// start runs a server and waits until it answers the request of ready with 200.
func start(ctx context.Context, name, dir string, cmd *exec.Cmd, ready []byte, place func(start func() error) error) (*server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer listener.Close()
	socket, err := listener.(*net.TCPListener).File()
	if err != nil {
		return nil, err
	}
	defer socket.Close()
	s := &server{name: name, addr: listener.Addr().String(), cmd: cmd}
	if s.log, err = os.Create(filepath.Join(dir, name+".log")); err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = s.log, s.log
	cmd.ExtraFiles = []*os.File{socket}
	if s.in, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := place(cmd.Start); err != nil {
		s.log.Close()
		return nil, fmt.Errorf("server %s: %w", name, err)
	}
	// The socket listens already, so the first request waits for the server to be there.
	ctx, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	s.gone = make(chan error, 1)
	go func() { s.gone <- cmd.Wait() }()
	answered := make(chan error, 1)
	go func() {
		a, err := fetch(ctx, s.addr, ready)
		if err == nil && a.status != 200 {
			err = fmt.Errorf("answered %d: %.400s", a.status, a.body)
		}
		answered <- err
	}()
	listener.Close() // the child has its own; with ours open the end of the child would go unnoticed
	socket.Close()
	select {
	case err = <-answered:
	case err = <-s.gone:
		s.gone <- err
		err = fmt.Errorf("ended before it answered: %v", err)
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		s.stop()
		said, _ := os.ReadFile(s.log.Name())
		return nil, fmt.Errorf("server %s: %w\n%s", name, err, said)
	}
	return s, nil
}

// stop ends the server and waits for it.
func (s *server) stop() {
	s.in.Close()
	if os.Getenv(profileVariable) == "" { // its end of input tells it too, and leaves it time to write
		s.cmd.Process.Signal(syscall.SIGTERM)
	}
	select {
	case <-s.gone:
	case <-time.After(5 * time.Second):
		s.cmd.Process.Kill()
		<-s.gone
	}
	s.log.Close()
}

// peakMemory is the most that the process has had resident, in bytes; 0 where the system does not tell.
func (s *server) peakMemory() int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		var kb int64
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &kb); err == nil {
			return kb << 10
		}
	}
	return 0
}

// cpu is the time that the process and its children have had of the cores; 0 where the system does not tell.
func (s *server) cpu() time.Duration { return cpuOfProcess(s.cmd.Process.Pid) }

func cpuOfProcess(pid int) (total time.Duration) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(stat), ") ") // the name in parentheses may hold spaces
	if fields := strings.Fields(rest); len(fields) > 12 {
		for _, ticks := range fields[11:13] { // utime and stime
			n, _ := strconv.Atoi(ticks)
			total += time.Duration(n) * 10 * time.Millisecond
		}
	}
	children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	for _, child := range strings.Fields(string(children)) {
		if id, err := strconv.Atoi(child); err == nil {
			total += cpuOfProcess(id)
		}
	}
	return total
}

// counting adds to a turn what it cost the server.
func (s *server) counting(t turn) turn {
	return func(ctx context.Context, length time.Duration) (sample, error) {
		before := s.cpu()
		result, err := t(ctx, length)
		result.cpu = s.cpu() - before
		return result, err
	}
}

// child serves as the named server until standard input ends. It is what main does when serveVariable is set.
func child(name string) error {
	makeHandler, ok := handlers[name]
	if !ok {
		return fmt.Errorf("no server is called %q", name)
	}
	socket := os.NewFile(3, "listener")
	listener, err := net.FileListener(socket)
	if err != nil {
		return err
	}
	socket.Close()
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	handler, err := makeHandler(dir)
	if err != nil {
		return err
	}
	written, err := startProfiles(os.Getenv(profileVariable))
	if err != nil {
		return err
	}
	go func() {
		io.Copy(io.Discard, os.Stdin)
		if err := written(); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
		}
		os.Exit(0)
	}()
	runtime.GC()
	srv := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 5 * time.Minute}
	if site, ok := handler.(*merlon.Site); ok { // as Site.Serve does: what it costs is part of the row
		listener = site.Guard(srv).Listener(listener)
	}
	return srv.Serve(listener)
}

// handlers are the servers that a child can be.
var handlers = map[string]func(dir string) (http.Handler, error){
	"merlon": serveSite,
	"flood":  serveFlood,
	"floor":  newFloor,
	"kit":    newKit,
	"hand":   newHand,
	"hello":  newHello,

	"merlon-servers": serveSiteOnServers,
	"hand-servers":   newHandOnServers,
}
