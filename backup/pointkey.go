package backup

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"

	"filippo.io/age"
)

// A point's header alone, a few kilobytes, tells whether a key opens the point: so the recovery key is proven, and one point
// opened, without the key ever coming near the server. See age's DecryptHeader.

// fileKeySize is the length of the key of one age file, in bytes.
const fileKeySize = 16

var letters32 = base32.StdEncoding.WithPadding(base32.NoPadding)

// FormatPointKey writes the key of one point as 26 letters and 2 check letters, in groups of four.
func FormatPointKey(fileKey []byte) string {
	return groups(letters32.EncodeToString(fileKey)+checkLetters(fileKey), 4)
}

// checkLetters find a letter that was mistyped in 1,023 of 1,024 cases.
func checkLetters(fileKey []byte) string {
	sum := sha256.Sum256(append([]byte("merlon/backup/point-key/v1\x00"), fileKey...))
	return letters32.EncodeToString(sum[:])[:2]
}

// pointLetters is how many a point key has.
const pointLetters = 28

// letters is a point key as it was typed, without what stands between its letters.
func letters(text string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' || r == '\t' || r == '\r' || r == '\n' {
			return -1
		}
		return r
	}, strings.ToUpper(text))
}

// maxPointKeys is how many may be given at once: a point has one base.
const maxPointKeys = 4

// pointKeys reads one point key, or several one after the other: that of a point, and that of the one that holds its uploads.
func pointKeys(text string) (all []age.Identity, err error) {
	clean := letters(text)
	if n := len(clean) / pointLetters; n < 2 || n > maxPointKeys || len(clean)%pointLetters != 0 {
		id, err := PointKey(clean)
		return []age.Identity{id}, err
	}
	for ; clean != ""; clean = clean[pointLetters:] {
		id, err := PointKey(clean[:pointLetters])
		if err != nil {
			return nil, err
		}
		all = append(all, id)
	}
	return all, nil
}

// PointKey reads what [FormatPointKey] wrote: the key of one point, which opens that one and no other.
func PointKey(text string) (age.Identity, error) {
	const wrong = "type the 28 letters as `recovery open` printed them"
	clean := letters(text)
	if len(clean) != pointLetters {
		return nil, fmt.Errorf("backup: the point key has %d letters, one has 28: %s", len(clean), wrong)
	}
	key, err := letters32.DecodeString(clean[:26])
	if err != nil || len(key) != fileKeySize || letters32.EncodeToString(key) != clean[:26] || checkLetters(key) != clean[26:] {
		return nil, fmt.Errorf("backup: the point key has a mistake: its check letters do not fit: %s", wrong)
	}
	return age.NewInjectedFileKeyIdentity(key), nil
}

// ProofCode returns the eight characters that show who made them could open this very point: its manifest's hash is part of
// them. 40 bits are enough, since they can only be tried at the site, five times a day.
func ProofCode(fileKey []byte, manifest string) string {
	mac := hmac.New(sha256.New, fileKey)
	mac.Write([]byte("merlon/recovery-proof/v1\x00" + manifest))
	return letters32.EncodeToString(mac.Sum(nil)[:5])
}

// cleanCode is a code as it was typed, in the one form that is compared.
func cleanCode(text string) string {
	return strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(strings.TrimSpace(text)))
}
