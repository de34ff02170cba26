package merlon

import (
	"strings"

	"github.com/merlon-web/merlon/event"
)

// serverLog takes what net/http says of connections: of each kind ten lines a second, since a client decides how many there
// are (one frame of HTTP/2 with an error code is a line).
type serverLog struct{ site *Site }

const maxServerLine = 500 // bytes of a line: some hold what a client sent

// Write implements [io.Writer] for a [log.Logger].
func (l serverLog) Write(line []byte) (int, error) {
	text := strings.TrimSuffix(string(line), "\n")
	if run := l.site.running.Load(); run == nil || run.loose.mayLog(flood{id: "net/http", route: kindOf(text)}, l.site.clock()) {
		if !strings.HasPrefix(kindOf(text), "panic serving") { // which has its stack, and holds nothing that a client sent
			text = text[:min(len(text), maxServerLine)]
		}
		l.site.log.Warn(event.Clean(text))
	}
	return len(line), nil
}

// kindOf is a line up to its first number or quotation, which are a client's.
func kindOf(line string) string {
	line = strings.TrimPrefix(strings.TrimPrefix(line, "http: "), "http2: ")
	if i := strings.IndexAny(line, "0123456789\"'[<"); i >= 0 {
		line = line[:i]
	}
	return event.Clean(line[:min(len(line), 60)])
}
