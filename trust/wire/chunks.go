package wire

import (
	"github.com/merlon-web/merlon/trust"
)

// maxDigits are those of a chunk's size: 4 GiB at the most. More than 16 would overflow in one reader or another.
const maxDigits = 8

// chunks follows a chunked body (RFC 9112 7.1) and returns how many of the bytes may pass. No browser sends extensions or
// trailers, and readers differ on both: they are refused.
func (s *scanner) chunks(b []byte) (n int, refusal *trust.Refusal) {
	for n < len(b) {
		c := b[n]
		switch s.state {
		case inSize:
			d := digit(c)
			switch {
			case d >= 0 && s.digits < maxDigits:
				s.remain = s.remain<<4 | int64(d)
				s.digits++
			case c == '\r' && s.digits > 0:
				s.state = inSizeEnd
			case c == ';' && s.digits > 0:
				return n, refuse(RuleFraming, "chunk extension")
			default:
				return n, refuse(RuleFraming, "chunk size with the byte 0x%02x after %d digits", c, s.digits)
			}
		case inSizeEnd, inDataLF, inTrailerLF:
			if c != '\n' {
				return n, refuse(RuleFraming, "carriage return without line feed in a chunked body")
			}
			switch {
			case s.state == inTrailerLF:
				*s = scanner{}
				return n + 1, nil
			case s.state == inDataLF:
				s.state = inSize
			case s.remain == 0:
				s.state = inTrailer
			default:
				s.state = inData
			}
			s.digits = 0
		case inData:
			m := min(s.remain, int64(len(b)-n))
			n += int(m)
			if s.remain -= m; s.remain == 0 {
				s.state = inDataEnd
			}
			continue
		case inDataEnd:
			if c != '\r' {
				return n, refuse(RuleFraming, "chunk longer than its size")
			}
			s.state = inDataLF
		case inTrailer:
			if c != '\r' {
				return n, refuse(RuleFraming, "trailer after a chunked body")
			}
			s.state = inTrailerLF
		}
		n++
	}
	return n, nil
}

func digit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
