package wire

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/http"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/trust"
)

// scanner finds where the messages of a connection end, and refuses those on whose end two readers could differ. It holds no
// bytes: its caller keeps what was not let through yet and gives it again with what came after it.
type scanner struct {
	state  state
	remain int64 // of the body by length, or of the chunk
	digits int   // of the chunk's size

	// Of the head that is being read. Places are offsets from its first byte.
	at         int // the first byte of the line that is read next
	lines      int
	get        bool // GET or HEAD
	old        bool // HTTP/1.0
	codings    int  // Transfer-Encoding lines
	lengths    int
	hosts      int
	length     int64
	host       span
	authority  span // of a target in absolute form
	isAbsolute bool
}

type span struct{ from, to int }

type state uint8

const (
	inHead      state = iota
	inLength          // a body of known length
	inSize            // the digits of a chunk's size
	inSizeEnd         // its LF
	inData            // a chunk's bytes
	inDataEnd         // their CR
	inDataLF          // their LF
	inTrailer         // the CR after the last chunk: trailers are refused
	inTrailerLF       //
)

// next returns how many of the bytes may pass: b begins with the first byte that has not passed. It stops where a message
// ends, so that what follows is looked at when it is asked for. Zero without a refusal means that the head is not whole yet:
// next wants the same bytes again, with more.
func (s *scanner) next(b []byte) (n int, refusal *trust.Refusal) {
	if s.state == inHead {
		n, refusal = s.head(b)
		if n == 0 || refusal != nil || s.state == inHead {
			return n, refusal
		}
	}
	if s.state != inLength {
		m, refusal := s.chunks(b[n:])
		return n + m, refusal
	}
	m := min(s.remain, int64(len(b)-n))
	s.remain -= m
	if s.remain == 0 {
		*s = scanner{}
	}
	return n + int(m), nil
}

// head reads the lines of a head. Whole and fit to pass, its length is returned and the state is that of its body.
func (s *scanner) head(b []byte) (int, *trust.Refusal) {
	if len(b) > 0 && (b[0] < 'A' || b[0] > 'Z') { // another protocol: its peer need not wait for the end of a line
		return 0, refuse(RuleLine, "request that begins with the byte 0x%02x", b[0])
	}
	for {
		i := bytes.IndexByte(b[s.at:], '\n')
		if i < 0 {
			if len(b) > trust.MaxHeaderSize {
				return 0, s.tooLarge(len(b))
			}
			return 0, nil
		}
		from, to := s.at, s.at+i-1
		if i == 0 || b[to] != '\r' {
			return 0, refuse(RuleLine, "line feed without carriage return in the head")
		}
		s.at = to + 2
		if s.at > trust.MaxHeaderSize {
			return 0, s.tooLarge(s.at)
		}
		switch {
		case from == 0:
			if refusal := s.first(b[:to]); refusal != nil {
				return 0, refusal
			}
		case from == to:
			return s.end(b)
		default:
			if s.lines++; s.lines > trust.MaxHeaders {
				return 0, s.tooLarge(s.at)
			}
			if refusal := s.line(b, from, to); refusal != nil {
				return 0, refusal
			}
		}
	}
}

func (s *scanner) tooLarge(size int) *trust.Refusal {
	return &trust.Refusal{Rule: trust.RuleSize, Status: http.StatusRequestHeaderFieldsTooLarge, Close: true,
		Reason: fmt.Sprintf("head of at least %d lines and %d bytes", s.lines, size)}
}

// first reads the request line (RFC 9112 3): three words with one space between them.
func (s *scanner) first(line []byte) *trust.Refusal {
	method := bytes.IndexByte(line, ' ')
	version := bytes.LastIndexByte(line, ' ')
	if method <= 0 || version == method {
		return refuse(RuleLine, "request line without method, target and version")
	}
	for _, c := range line[:method] {
		if (c < 'A' || c > 'Z') && c != '-' {
			return refuse(RuleLine, "method with the byte 0x%02x", c)
		}
	}
	target := line[method+1 : version]
	if len(target) == 0 {
		return refuse(RuleLine, "request line without a target")
	}
	for _, c := range target {
		if c <= ' ' || c == 0x7f {
			return refuse(RuleLine, "request target with the byte 0x%02x", c)
		}
	}
	switch string(line[version+1:]) {
	case "HTTP/1.1":
	case "HTTP/1.0":
		s.old = true
	default:
		return &trust.Refusal{Rule: trust.RuleForm, Status: http.StatusHTTPVersionNotSupported, Close: true, Reason: fmt.Sprintf("version %.20q", line[version+1:])}
	}
	s.get = string(line[:method]) == http.MethodGet || string(line[:method]) == http.MethodHead
	if target[0] != '/' {
		if i := bytes.Index(target, []byte("://")); i > 0 {
			s.isAbsolute = true
			s.authority.from = method + 1 + i + 3
			s.authority.to = version
			if j := bytes.IndexAny(line[s.authority.from:version], "/?#"); j >= 0 {
				s.authority.to = s.authority.from + j
			}
		}
	}
	return nil
}

// line reads a field line (RFC 9112 5): a token, a colon at once, a value without controls.
func (s *scanner) line(b []byte, from, to int) *trust.Refusal {
	line := b[from:to]
	colon := 0
	for colon < len(line) && isToken[line[colon]] {
		colon++
	}
	if colon == 0 || colon == len(line) || line[colon] != ':' {
		if line[0] == ' ' || line[0] == '\t' {
			return refuse(RuleLine, "folded line in the head")
		}
		return refuse(RuleLine, "field line without a name and a colon after it")
	}
	value := span{from + colon + 1, to}
	if c, found := control(b[value.from:value.to]); found {
		return refuse(RuleLine, "field value with the byte 0x%02x", c)
	}
	for value.from < value.to && (b[value.from] == ' ' || b[value.from] == '\t') {
		value.from++
	}
	for value.to > value.from && (b[value.to-1] == ' ' || b[value.to-1] == '\t') {
		value.to--
	}
	switch name := line[:colon]; len(name) {
	case len("Host"):
		if is(name, "host") {
			s.hosts++
			s.host = value
		}
	case len("Content-Length"):
		if is(name, "content-length") {
			s.lengths++
			return s.readLength(b[value.from:value.to])
		}
	case len("Transfer-Encoding"):
		if is(name, "transfer-encoding") {
			s.codings++
			if !is(b[value.from:value.to], "chunked") {
				return refuse(RuleFraming, "Transfer-Encoding other than chunked: %.40q", b[value.from:value.to])
			}
		}
	}
	return nil
}

// control finds the first control in a field value, tab excepted. Eight bytes are looked at together: heads are mostly values.
func control(v []byte) (byte, bool) {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for len(v) >= 8 {
		x := binary.LittleEndian.Uint64(v)
		low := (x - ones*' ') &^ x & tops // a byte below the space, or one that borrowed from it
		del := x ^ ones*0x7f
		if low|(del-ones)&^del&tops != 0 {
			break // looked at one by one
		}
		v = v[8:]
	}
	for i, c := range v {
		if c < ' ' && c != '\t' || c == 0x7f {
			return c, true
		}
		if i == 7 {
			return control(v[8:])
		}
	}
	return 0, false
}

func (s *scanner) readLength(value []byte) *trust.Refusal {
	if len(value) == 0 || len(value) > 18 { // 18 digits are within 63 bits
		return refuse(RuleFraming, "Content-Length that is no number: %.40q", value)
	}
	s.length = 0
	for _, c := range value {
		if c < '0' || c > '9' {
			return refuse(RuleFraming, "Content-Length that is no number: %.40q", value)
		}
		s.length = s.length*10 + int64(c-'0')
	}
	return nil
}

// end judges the whole head, and sets the state to that of its body.
func (s *scanner) end(b []byte) (int, *trust.Refusal) {
	switch {
	case s.codings > 0 && s.lengths > 0:
		return 0, refuse(RuleFraming, "Transfer-Encoding beside Content-Length")
	case s.codings > 1:
		return 0, refuse(RuleFraming, "%d lines of Transfer-Encoding", s.codings)
	case s.lengths > 1:
		return 0, refuse(RuleFraming, "%d lines of Content-Length", s.lengths)
	case s.codings > 0 && s.old:
		return 0, refuse(RuleFraming, "Transfer-Encoding in HTTP/1.0")
	case s.hosts > 1:
		return 0, refuse(trust.RuleForm, "%d lines of Host", s.hosts)
	case s.isAbsolute && (s.hosts == 0 || !bytes.EqualFold(b[s.authority.from:s.authority.to], b[s.host.from:s.host.to])):
		return 0, refuse(trust.RuleForm, "request target and Host disagree")
	case s.get && (s.codings > 0 || s.length > 0):
		return 0, refuse(trust.RuleBody, "GET or HEAD with a body")
	}
	n := s.at
	chunked, length := s.codings > 0, s.length
	*s = scanner{}
	switch {
	case chunked:
		s.state = inSize
	case length > 0:
		s.state, s.remain = inLength, length
	}
	return n, nil
}

func refuse(rule check.Rule, format string, args ...any) *trust.Refusal {
	return &trust.Refusal{Rule: rule, Status: http.StatusBadRequest, Close: true, Reason: fmt.Sprintf(format, args...)}
}

// is compares ASCII without case; want is in lower case and holds only letters and -.
func is(name []byte, want string) bool {
	if len(name) != len(want) {
		return false
	}
	for i, c := range name {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != want[i] {
			return false
		}
	}
	return true
}

// isToken are the characters of a field name (RFC 9110 5.6.2).
var isToken = func() (t [256]bool) {
	for c := '0'; c <= 'z'; c++ {
		t[c] = c <= '9' || c >= 'a' || c >= 'A' && c <= 'Z'
	}
	for _, c := range "!#$%&'*+-.^_`|~" {
		t[c] = true
	}
	return t
}()
