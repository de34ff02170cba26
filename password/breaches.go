package password

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/merlon-web/merlon/outbound/fetch"
)

// Breaches asks a list of breached passwords on another site whether it has one, without telling which (k-anonymity): it
// sends the first five of the forty hexadecimal digits of the password's SHA-1, gets some hundreds of sums that begin so, padded
// so that the length of the answer tells nothing either, and looks for the rest itself. The list that is part of this
// program ([Common]) needs no other site; this one is longer (OWASP ASVS 6.2.12; NIST SP 800-63B-4, 3.1.1.2). It is safe for concurrent use.
type Breaches struct {
	make func() (*fetch.Client, error)
	at   fetch.Pattern
}

// PwnedPasswords is the best known of these lists.
var PwnedPasswords = fetch.At("https://api.pwnedpasswords.com/range/{}")

// pwnedHost is its host, the only one that is asked.
const pwnedHost = "api.pwnedpasswords.com"

// Pwned returns a look-up in [PwnedPasswords]. It connects when it is first asked, and waits two seconds at most.
func Pwned() *Breaches {
	return &Breaches{at: PwnedPasswords, make: sync.OnceValues(func() (*fetch.Client, error) {
		return fetch.New(fetch.Config{Hosts: []string{pwnedHost}, Timeout: 2 * time.Second, Redirects: -1})
	})}
}

// NewBreaches returns a look-up at an address that has one place for the five digits, as [PwnedPasswords] has. Name its
// host in the client's Hosts.
func NewBreaches(client *fetch.Client, at fetch.Pattern) *Breaches {
	return &Breaches{at: at, make: func() (*fetch.Client, error) { return client, nil }}
}

// Has reports whether the list has the password. An error says that the other site could not be asked: whoever asks
// decides then by [Common] alone.
func (b *Breaches) Has(ctx context.Context, password string) (bool, error) {
	sum := sha1.Sum([]byte(password)) // what the list is sorted by; nothing rests on its strength
	digits := strings.ToUpper(hex.EncodeToString(sum[:]))
	address, err := b.at.With(digits[:5])
	if err != nil {
		return false, err
	}
	client, err := b.make()
	if err != nil {
		return false, err
	}
	answer, err := client.Do(ctx, fetch.Request{Address: address, Header: http.Header{"Add-Padding": {"true"}}})
	if err != nil {
		return false, err
	}
	if answer.Status != http.StatusOK {
		return false, fmt.Errorf("password: the list of breached passwords answers with status %d: see that its address is right", answer.Status)
	}
	for line := range bytes.Lines(answer.Body) {
		rest, count, _ := strings.Cut(strings.TrimSpace(string(line)), ":")
		if n, err := strconv.Atoi(count); err == nil && n > 0 && strings.EqualFold(rest, digits[5:]) { // what is padding counts 0
			return true, nil
		}
	}
	return false, nil
}
