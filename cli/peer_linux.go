package cli

import (
	"net"
	"syscall"
)

// tellsPeers says that the system tells whose process connects.
const tellsPeers = true

// mayOrder reports whether the process at the other end of a socket belongs to a user, or to root. The kernel notes who that
// is when the connection is made (unix(7), SO_PEERCRED); what is not told is no.
func mayOrder(c net.Conn, user int) bool {
	socket, ok := c.(*net.UnixConn)
	if !ok {
		return false
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return false
	}
	may := false
	err = raw.Control(func(fd uintptr) {
		peer, err := syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
		may = err == nil && (int(peer.Uid) == user || peer.Uid == 0)
	})
	return err == nil && may
}
