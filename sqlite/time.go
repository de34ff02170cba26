package sqlite

import (
	"fmt"
	"time"
)

// timeLen is the length of a stored time.
const timeLen = len("2006-01-02T15:04:05.000000Z")

// appendTime appends a time as it is stored: RFC 3339 in UTC with six digits, so that texts sort as times do. The time is
// in UTC and its year has four digits.
func appendTime(dst []byte, t time.Time) []byte {
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	dst = digits(dst, year, 4)
	dst = digits(append(dst, '-'), int(month), 2)
	dst = digits(append(dst, '-'), day, 2)
	dst = digits(append(dst, 'T'), hour, 2)
	dst = digits(append(dst, ':'), minute, 2)
	dst = digits(append(dst, ':'), second, 2)
	dst = digits(append(dst, '.'), t.Nanosecond()/1000, 6)
	return append(dst, 'Z')
}

func digits(dst []byte, v, width int) []byte {
	at := len(dst)
	dst = append(dst, "000000"[:width]...)
	for i := at + width - 1; i >= at; i-- {
		dst[i] += byte(v % 10)
		v /= 10
	}
	return dst
}

// parseTime reads what appendTime wrote, and what SQLite's own functions write: "2006-01-02 15:04:05" and "2006-01-02",
// both in UTC. Other forms of RFC 3339 are read too.
func parseTime(b []byte) (time.Time, error) {
	if len(b) == timeLen || len(b) == len("2006-01-02 15:04:05") || len(b) == len("2006-01-02") {
		if t, ok := parseFixed(b); ok {
			return t, nil
		}
	}
	t, err := time.Parse(time.RFC3339Nano, string(b))
	if err != nil {
		return time.Time{}, fmt.Errorf("holds %q, which is no time", clip(b))
	}
	return t.UTC(), nil
}

func parseFixed(b []byte) (time.Time, bool) {
	ok := true
	number := func(from, to int) (v int) {
		for _, c := range b[from:to] {
			ok = ok && c >= '0' && c <= '9'
			v = v*10 + int(c-'0')
		}
		return v
	}
	year, month, day := number(0, 4), number(5, 7), number(8, 10)
	ok = ok && b[4] == '-' && b[7] == '-'
	var hour, minute, second, micro int
	if len(b) > 10 {
		hour, minute, second = number(11, 13), number(14, 16), number(17, 19)
		between := byte(' ')
		if len(b) == timeLen {
			between = 'T'
		}
		ok = ok && b[10] == between && b[13] == ':' && b[16] == ':'
	}
	if len(b) == timeLen {
		micro = number(20, 26)
		ok = ok && b[19] == '.' && b[26] == 'Z'
	}
	if !ok || month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, false
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, micro*1000, time.UTC)
	return t, t.Day() == day // 30 February is no day
}

func clip(b []byte) string {
	if len(b) > 40 {
		return string(b[:40]) + "…"
	}
	return string(b)
}
