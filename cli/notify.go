package cli

import (
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
)

// notify tells systemd how the service is (sd_notify(3)): one datagram, and nothing where nobody asked for it.
func notify(state string) {
	address := os.Getenv("NOTIFY_SOCKET")
	if address == "" {
		return
	}
	if address[0] == '@' { // of Linux' abstract names
		address = "\x00" + address[1:]
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		return
	}
	defer c.Close()
	_, _ = c.Write([]byte(state))
}

// firstFD is the first file that systemd hands over (sd_listen_fds(3)).
const firstFD = 3

// handedOver returns the sockets that whoever started this process listens on already, by what they are for: they are kept over
// a restart, and a visitor who comes meanwhile waits instead of being refused.
func handedOver() (map[string]net.Listener, error) {
	n, err := strconv.Atoi(os.Getenv("LISTEN_FDS"))
	pid, _ := strconv.Atoi(os.Getenv("LISTEN_PID"))
	names := strings.Split(os.Getenv("LISTEN_FDNAMES"), ":")
	for _, name := range []string{"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"} {
		_ = os.Unsetenv(name) // they are not a child's
	}
	if err != nil || n < 1 || pid != os.Getpid() {
		return nil, nil
	}
	var all []net.Listener
	var at []net.Addr
	for i := range n {
		f := os.NewFile(uintptr(firstFD+i), "")
		l, err := net.FileListener(f)
		_ = f.Close()
		if err != nil {
			return nil, err
		}
		if unix, ok := l.(*net.UnixListener); ok {
			unix.SetUnlinkOnClose(false) // the file is whoever's made it
		}
		all, at = append(all, l), append(at, l.Addr())
	}
	uses, err := usesOf(names, at)
	if err != nil {
		return nil, err
	}
	of := map[string][]net.Listener{}
	for i, l := range all {
		of[uses[i]] = append(of[uses[i]], l)
	}
	handed := map[string]net.Listener{}
	for use, some := range of {
		handed[use] = together(some)
	}
	return handed, nil
}

// usesOf says of each socket what it is for: by its name, of which several may be, as those of IPv4 and IPv6. When none has a
// name of this program's they are for the site, the redirect and the health pages in their order, and those of one port are
// for the same.
func usesOf(names []string, at []net.Addr) ([]string, error) {
	uses := [...]string{"site", "redirect", "health"}
	found := make([]string, len(at))
	named := 0
	for i := range at {
		if i < len(names) && slices.Contains(uses[:], names[i]) {
			found[i] = names[i]
			named++
		}
	}
	if named > 0 {
		if i := slices.Index(found, ""); i >= 0 {
			return nil, fmt.Errorf("the one at %s has no name of this program's, others have: write FileDescriptorName=site, redirect or health in its .socket unit", at[i])
		}
		return found, nil
	}
	ofPort, next := map[int]string{}, 0
	for i, a := range at {
		tcp, isTCP := a.(*net.TCPAddr)
		switch {
		case isTCP && ofPort[tcp.Port] != "":
			found[i] = ofPort[tcp.Port]
		case next == len(uses):
			return nil, fmt.Errorf("there are more than a site, a redirect and health pages, and none has a name: write FileDescriptorName=site, redirect or health in each .socket unit")
		default:
			found[i] = uses[next]
			next++
		}
		if !isTCP {
			continue
		}
		if ofPort[tcp.Port] = found[i]; found[i] == "health" && !tcp.IP.IsLoopback() {
			return nil, fmt.Errorf("the one at %s would be for the health pages, being the third, and others reach it: write FileDescriptorName=site, redirect or health in each .socket unit", a)
		}
	}
	return found, nil
}
