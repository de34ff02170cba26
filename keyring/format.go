package keyring

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Limits of a key file: what is larger is not one.
const (
	maxFile = 64 << 10 // bytes
	maxKeys = 500
)

const (
	header  = "merlon keyring 1"
	warning = "# The site's secret keys: mode 0600, never in a repository. Without this file its passwords and sealed data are lost."
)

var raw64 = base64.RawURLEncoding.Strict()

// encode writes the file of keys: see [Parse].
func encode(keys []key) []byte {
	var b bytes.Buffer
	b.WriteString(header + "\n" + warning + "\n")
	for _, k := range keys {
		fmt.Fprintf(&b, "key %d %s %s\n", k.id, k.created.Format(time.RFC3339), raw64.EncodeToString(k.bytes[:]))
	}
	sum := sha256.Sum256(b.Bytes())
	fmt.Fprintf(&b, "check %x\n", sum)
	return b.Bytes()
}

// Parse reads the text of a key file and returns its ring, in memory. The format, version 1:
//
//	merlon keyring 1
//	# any number of comment lines
//	key ID CREATED BYTES
//	check SHA256
//
// with at least one key line, ids ascending from 1 at most 500, CREATED as 2006-01-02T15:04:05Z, BYTES 32 bytes in
// base64url without padding, and SHA256 the lower-case hex SHA-256 of every byte before its line: a file cut in a copy is
// refused, instead of losing its newest key silently. Lines end in LF, fields are parted by one space; nothing else is
// accepted. The error is a finding of [RuleMalformed] and never holds a key.
func Parse(text []byte) (*Ring, error) {
	keys, err := decode(text)
	if err != nil {
		return nil, RuleMalformed.Finding("", err.Error(), malformedDo)
	}
	r := &Ring{}
	r.state.Store(&state{keys: keys})
	return r, nil
}

const malformedDo = "put back the key file from the backup; do not edit it by hand and do not make a new one: what the old keys sealed would be lost"

func decode(text []byte) ([]key, error) {
	if len(text) > maxFile {
		return nil, fmt.Errorf("the key file has more than %d bytes", maxFile)
	}
	body, check, ok := bytes.Cut(text, []byte("\ncheck "))
	if !ok {
		return nil, fmt.Errorf("the key file has no check line at its end: it was cut or edited")
	}
	body = text[:len(body)+1] // with its LF
	sum := sha256.Sum256(body)
	if string(check) != hex.EncodeToString(sum[:])+"\n" {
		return nil, fmt.Errorf("the key file does not fit its check line: it was cut, damaged or edited")
	}
	var keys []key
	for n, line := range strings.Split(strings.TrimSuffix(string(body), "\n"), "\n") {
		switch {
		case n == 0:
			if line != header {
				return nil, fmt.Errorf("line 1 of the key file is not %q", header)
			}
		case strings.HasPrefix(line, "#"):
		default:
			k, err := decodeKey(line, keys)
			if err != nil {
				return nil, fmt.Errorf("line %d of the key file: %w", n+1, err)
			}
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("the key file has no key")
	}
	if len(keys) > maxKeys {
		return nil, fmt.Errorf("the key file has more than %d keys", maxKeys)
	}
	return keys, nil
}

func decodeKey(line string, before []key) (key, error) {
	f := strings.Split(line, " ")
	if len(f) != 4 || f[0] != "key" {
		return key{}, fmt.Errorf("not \"key ID CREATED BYTES\"")
	}
	var k key
	id, err := strconv.ParseUint(f[1], 10, 32)
	if err != nil || id == 0 || strconv.FormatUint(id, 10) != f[1] {
		return key{}, fmt.Errorf("the id is not a number from 1 to 4294967295")
	}
	k.id = uint32(id)
	if len(before) > 0 && before[len(before)-1].id >= k.id {
		return key{}, fmt.Errorf("the ids do not ascend")
	}
	k.created, err = time.Parse(time.RFC3339, f[2])
	if err != nil || k.created.UTC().Format(time.RFC3339) != f[2] {
		return key{}, fmt.Errorf("the time is not of the form 2006-01-02T15:04:05Z")
	}
	k.created = k.created.UTC()
	// The decoder skips line breaks, so the exact spelling is compared; and it overruns a buffer that is too short for the text.
	bytes, err := raw64.DecodeString(f[3])
	if err != nil || len(bytes) != size || raw64.EncodeToString(bytes) != f[3] {
		return key{}, fmt.Errorf("the key is not 32 bytes in base64url")
	}
	k.bytes = [size]byte(bytes)
	if weak(k.bytes) {
		return key{}, fmt.Errorf("the key is not random (it repeats itself)")
	}
	for _, b := range before {
		if b.bytes == k.bytes {
			return key{}, fmt.Errorf("the key stands there twice")
		}
	}
	return k, nil
}

// weak reports keys that somebody typed: zeros, one letter, a short pattern. Of random keys fewer than one in 2^140 has so
// few different bytes.
func weak(k [size]byte) bool {
	var seen [256]bool
	different := 0
	for _, b := range k {
		if !seen[b] {
			seen[b] = true
			different++
		}
	}
	return different < 10
}
