package password

import (
	"encoding/base64"
	"strings"
)

// parseMerlon reads k=ID[,from=ALG,salt=B64]$argon2id$….
func parseMerlon(rest string) (*stored, Reason) {
	head, phc, ok := strings.Cut(rest, "$")
	if !ok {
		return nil, Malformed
	}
	fields := strings.Split(head, ",")
	id, reason := number(strings.TrimPrefix(fields[0], "k="), 1<<32-1)
	if !strings.HasPrefix(fields[0], "k=") || reason != "" || id == 0 {
		return nil, Malformed
	}
	name, rest, _ := strings.Cut(phc, "$")
	if name != "argon2id" {
		return nil, Malformed
	}
	s, reason := parseArgon2(name, rest)
	if reason != "" {
		return nil, reason
	}
	s.algorithm, s.key = merlon1, uint32(id)
	switch len(fields) {
	case 1:
	case 3:
		from, okFrom := strings.CutPrefix(fields[1], "from=")
		salt, okSalt := strings.CutPrefix(fields[2], "salt=")
		raw, okRaw := unbase64(base64.RawStdEncoding, salt)
		if !okFrom || !okSalt || !okRaw || !printable(string(raw)) || from != string(md5Alg) && from != string(sha1Alg) {
			return nil, Malformed
		}
		s.from, s.fromSalt = algorithm(from), string(raw)
	default:
		return nil, Malformed
	}
	return s, ""
}

// parseArgon2 reads v=19$m=…,t=…,p=…$salt$hash of a PHC string.
func parseArgon2(name, rest string) (*stored, Reason) {
	var s stored
	switch name {
	case "argon2id":
		s.algorithm = argon2id
	case "argon2i":
		s.algorithm = argon2i
	case "argon2d":
		return nil, Unsupported
	default:
		return nil, UnknownAlgorithm
	}
	fields := strings.Split(rest, "$")
	if !strings.HasPrefix(fields[0], "v=") {
		if strings.HasPrefix(fields[0], "m=") && len(fields) == 3 {
			return nil, Unsupported // version 16
		}
		return nil, Malformed
	}
	if len(fields) != 4 {
		return nil, Malformed
	}
	if fields[0] != "v=19" {
		if _, reason := number(fields[0][2:], 1<<32-1); reason != "" {
			return nil, Malformed
		}
		return nil, Unsupported
	}
	if reason := s.costs(fields[1]); reason != "" {
		return nil, reason
	}
	var okSalt, okSum bool
	s.salt, okSalt = unbase64(base64.RawStdEncoding, fields[2])
	s.sum, okSum = unbase64(base64.RawStdEncoding, fields[3])
	if !okSalt || !okSum || len(s.salt) < 8 || len(s.salt) > 64 || len(s.sum) < 16 || len(s.sum) > 64 {
		return nil, Malformed
	}
	return &s, ""
}

// costs reads m=…,t=…,p=… in this order. keyid and data, which the format knows, need what we do not have.
func (s *stored) costs(text string) Reason {
	fields := strings.Split(text, ",")
	if len(fields) < 3 {
		return Malformed
	}
	for _, extra := range fields[3:] {
		if !strings.HasPrefix(extra, "keyid=") && !strings.HasPrefix(extra, "data=") {
			return Malformed
		}
	}
	var values [3]uint64
	worst := Reason("")
	for i, limit := range [3]uint64{maxMemory, maxTime, maxLanes} { // at most maxLanes fits a byte
		digits, ok := strings.CutPrefix(fields[i], "mtp"[i:i+1]+"=")
		n, reason := number(digits, limit)
		if !ok || reason == Malformed || n == 0 && reason == "" {
			return Malformed
		}
		if reason != "" {
			worst = reason
		}
		values[i] = n
	}
	if len(fields) > 3 {
		return Unsupported
	}
	if worst != "" {
		return worst
	}
	if values[0] < 8*values[2] { // RFC 9106, 3.1
		return Malformed
	}
	s.memory, s.time, s.lanes = uint32(values[0]), uint32(values[1]), uint8(values[2])
	return ""
}

func parsePBKDF2(a algorithm, rest string, size int) (*stored, Reason) {
	fields := strings.Split(rest, "$")
	if len(fields) != 3 || fields[1] == "" {
		return nil, Malformed
	}
	n, reason := number(fields[0], maxIterations)
	if reason != "" {
		return nil, reason
	}
	sum, ok := unbase64(base64.StdEncoding, fields[2])
	if n == 0 || !ok || len(sum) != size {
		return nil, Malformed
	}
	return &stored{algorithm: a, n: int(n), salt: []byte(fields[1]), sum: sum}, ""
}

// parseScrypt reads N$salt$r$p$hash, Django's order.
func parseScrypt(rest string) (*stored, Reason) {
	fields := strings.Split(rest, "$")
	if len(fields) != 5 || fields[1] == "" {
		return nil, Malformed
	}
	n, reasonN := number(fields[0], maxScryptNR)
	r, reasonR := number(fields[2], maxScryptNR)
	p, reasonP := number(fields[3], maxLanes)
	for _, reason := range []Reason{reasonN, reasonR, reasonP} {
		if reason == Malformed {
			return nil, Malformed
		}
	}
	for _, reason := range []Reason{reasonN, reasonR, reasonP} {
		if reason != "" {
			return nil, reason
		}
	}
	if n < 2 || n&(n-1) != 0 || r == 0 || p == 0 {
		return nil, Malformed
	}
	if n*r > maxScryptNR || n*r*p > maxScryptWork {
		return nil, TooCostly
	}
	sum, ok := unbase64(base64.StdEncoding, fields[4])
	if !ok || len(sum) != 64 {
		return nil, Malformed
	}
	return &stored{algorithm: scryptAlg, n: int(n), r: int(r), p: int(p), salt: []byte(fields[1]), sum: sum}, ""
}

// bcrypt64 is bcrypt's own base64 alphabet.
const bcrypt64 = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// parseBcrypt reads $2b$CC$ + 22 letters of salt + 31 of hash, before x/crypto sees it: that one accepts trailing bytes,
// any minor version and odd last letters.
func parseBcrypt(a algorithm, text string) (*stored, Reason) {
	if len(text) < 4 || text[:2] != "$2" || text[3] != '$' {
		return nil, Malformed
	}
	switch text[2] {
	case 'a', 'b', 'y':
	case 'x':
		return nil, Unsupported
	default:
		return nil, UnknownAlgorithm
	}
	if len(text) != 60 || text[6] != '$' {
		return nil, Malformed
	}
	if !digit(text[4]) || !digit(text[5]) {
		return nil, Malformed
	}
	cost := int(text[4]-'0')*10 + int(text[5]-'0')
	for i := 7; i < 60; i++ {
		if strings.IndexByte(bcrypt64, text[i]) < 0 {
			return nil, Malformed
		}
	}
	// 22 letters are 132 bits for 128 of salt, 31 are 186 for 184 of hash: the rest must be zero.
	if strings.IndexByte(bcrypt64, text[28])&0x0f != 0 || strings.IndexByte(bcrypt64, text[59])&0x03 != 0 || cost < minBcrypt {
		return nil, Malformed
	}
	if cost > maxBcrypt {
		return nil, TooCostly
	}
	return &stored{algorithm: a, n: cost, text: text}, ""
}

// parseDigest reads salt$hex; an empty salt is Django's unsalted spelling.
func parseDigest(a algorithm, rest string, size int) (*stored, Reason) {
	salt, text, ok := strings.Cut(rest, "$")
	sum := unhex(text)
	if !ok || len(sum) != size {
		return nil, Malformed
	}
	return &stored{algorithm: a, salt: []byte(salt), sum: sum}, ""
}

// bareDigest reads Django's oldest form, the MD5 alone.
func bareDigest(text string) *stored {
	if len(text) != 32 {
		return nil
	}
	sum := unhex(text)
	if sum == nil {
		return nil
	}
	return &stored{algorithm: md5Alg, sum: sum}
}
