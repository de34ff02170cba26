package need

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
)

// FreePort returns a port of loopback that nobody listens at, from below those that systems give to connections and to who
// asks for any port (RFC 6335, 6: from 49152; Linux: from 32768). A port of theirs is another process's a moment after its
// server ended, or between the look and the listening.
func FreePort() (int, error) {
	const first, end = 10240, 32768
	var last error
	for range 100 {
		port := first + rand.IntN(end-first)
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return port, l.Close()
		}
		last = err
	}
	return 0, errors.Join(errors.New("no port of loopback is free"), last)
}

// Port is FreePort for a test.
func Port(t testing.TB) int {
	t.Helper()
	port, err := FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}
