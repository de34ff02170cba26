//go:build !linux

package cli

import "net"

// tellsPeers says that the system is not asked whose process connects.
const tellsPeers = false

// mayOrder takes every connection: the folder of the socket is what guards it where the system is not asked who connects.
func mayOrder(net.Conn, int) bool { return true }
