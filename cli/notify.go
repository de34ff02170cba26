package cli

import (
	"net"
	"os"
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

// handedOver returns the sockets that whoever started this process listens on already, by their names: they are kept over a
// restart, and a visitor who comes meanwhile waits instead of being refused. Those without a name of this program's are
// "site", then "redirect".
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
	all := map[string]net.Listener{}
	for i := range n {
		name := [...]string{"site", "redirect", "health"}[min(i, 2)]
		if i < len(names) && (names[i] == "site" || names[i] == "redirect" || names[i] == "health") {
			name = names[i]
		}
		f := os.NewFile(uintptr(firstFD+i), name)
		l, err := net.FileListener(f)
		_ = f.Close()
		if err != nil {
			return nil, err
		}
		if unix, ok := l.(*net.UnixListener); ok {
			unix.SetUnlinkOnClose(false) // the file is whoever's made it
		}
		all[name] = l
	}
	return all, nil
}
