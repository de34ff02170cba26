package backup

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// What stands at the target in the clear is records: JSON that is written in exactly one way and signed.
//
// The one way: the fields in the order of the Go type, no space, no escape that JSON does not demand, times in UTC as RFC 3339
// with the digits that are needed, and one line feed at the end. A record that is written otherwise is refused, so that
// unknown fields, doubled ones and what stands behind the end need no rules of their own. A signature is over
// "merlon/backup/KIND/v1\n" and the record without its field sig.

// formatName stands in each record, and alone in the object "format".
const formatName = "merlon-backup 1"

// maxRecord bounds a record, in bytes.
const maxRecord = 1 << 20

var raw64 = base64.RawURLEncoding.Strict()

// A PublicKey is an Ed25519 key as records hold it: "ed25519:" and 43 characters.
type PublicKey string

const keyPrefix = "ed25519:"

func publicKey(k ed25519.PublicKey) PublicKey { return PublicKey(keyPrefix + raw64.EncodeToString(k)) }

// verify reports whether sig is the key's signature.
func (k PublicKey) verify(message []byte, sig string) bool {
	key, err := raw64.DecodeString(strings.TrimPrefix(string(k), keyPrefix))
	if err != nil || len(key) != ed25519.PublicKeySize || !strings.HasPrefix(string(k), keyPrefix) {
		return false
	}
	s, err := raw64.DecodeString(sig)
	return err == nil && len(s) == ed25519.SignatureSize && ed25519.Verify(key, message, s)
}

func sign(k ed25519.PrivateKey, message []byte) string {
	return raw64.EncodeToString(ed25519.Sign(k, message))
}

// encode writes a record the one way.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("backup: a record cannot be written: " + err.Error()) // no record has a field that JSON lacks
	}
	return b.Bytes()
}

// decode reads a record and refuses what [encode] does not write.
func decode(text []byte, v any) error { return decodeUpTo(text, v, maxRecord) }

func decodeUpTo(text []byte, v any, most int) error {
	if len(text) > most {
		return fmt.Errorf("it has more than %d bytes", most)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("it is no record of this kind: %w", err)
	}
	if !bytes.Equal(encode(v), text) {
		return errors.New("it is not written as records are")
	}
	return nil
}

// readRecord reads one, bounded.
func readRecord(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxRecord+1))
	if err == nil && len(text) > maxRecord {
		err = fmt.Errorf("%w: it has more than %d bytes, and is no record", ErrDamaged, maxRecord)
	}
	return text, err
}

// hashOf is a hash as records hold it.
func hashOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hashText(sum)
}

func hashText(sum [32]byte) string { return "sha256:" + hex.EncodeToString(sum[:]) }

// parseHash reads what hashText wrote.
func parseHash(s string) (sum [32]byte, ok bool) {
	b, err := hex.DecodeString(strings.TrimPrefix(s, "sha256:"))
	if err != nil || len(b) != 32 {
		return sum, false
	}
	copy(sum[:], b)
	return sum, hashText(sum) == s
}

// stamp is a time as records hold it.
func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// A Class says how long a point is kept: h 3 days, d 35, w 100, m 400. The first point of a month is m, of a week w, of a day
// d, all others are h.
type Class string

// The classes, in rising order.
const (
	Hourly  Class = "h"
	Daily   Class = "d"
	Weekly  Class = "w"
	Monthly Class = "m"
)

var classDays = map[Class]int{Hourly: 3, Daily: 35, Weekly: 100, Monthly: 400}

// Keep returns how long a point of the class is locked.
func (c Class) Keep() time.Duration { return time.Duration(classDays[c]) * 24 * time.Hour }

// classOf returns the class of a point made now, after those of lasts: the newest instant of each class.
func classOf(now time.Time, lasts map[Class]time.Time) Class {
	now = now.UTC()
	last := func(classes ...Class) (newest time.Time) {
		for _, c := range classes {
			if t := lasts[c].UTC(); t.After(newest) {
				newest = t
			}
		}
		return newest
	}
	year, week := now.ISOWeek()
	month, weekly, daily := last(Monthly), last(Monthly, Weekly), last(Monthly, Weekly, Daily)
	switch y, w := weekly.ISOWeek(); {
	case month.Year() != now.Year() || month.Month() != now.Month():
		return Monthly
	case y != year || w != week:
		return Weekly
	case daily.YearDay() != now.YearDay() || daily.Year() != now.Year():
		return Daily
	}
	return Hourly
}
