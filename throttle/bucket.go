package throttle

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

	"github.com/merlon-web/merlon/internal/network"
)

// A Purpose is what a permit is good for. A comparison demands a permit of its own purpose.
type Purpose string

// The purposes.
const (
	ForPassword Purpose = "password" // comparing a password
	ForFactor   Purpose = "factor"   // comparing a second factor or a recovery code
	ForReset    Purpose = "reset"    // mailing a reset link
	ForSignUp   Purpose = "sign-up"  // making an account
	ForMail     Purpose = "mail"     // mailing anything else that a visitor asks for
	ForLink     Purpose = "link"     // comparing a mailed link or code
	ForPasskey  Purpose = "passkey"  // verifying the answer of an authenticator
)

// A Kind is what a bucket counts by.
type Kind string

// The kinds.
const (
	KindDevice        Kind = "device"         // a known device × an account
	KindSession       Kind = "session"        // a session that is signed in × its account
	KindAccount       Kind = "account"        // all unknown devices × an account
	KindNetwork       Kind = "network"        // an IPv4 address or IPv6 /64, any account
	KindRange         Kind = "range"          // an IPv4 /24 or IPv6 /48, any account
	KindFactorSession Kind = "factor-session" // second factors in one session
	KindFactorAccount Kind = "factor-account" // second factors × an account
	KindFactorDevice  Kind = "factor-device"  // second factors × a known device × an account
	KindFactorMailbox Kind = "factor-mailbox" // second factors × whoever reads the account's mail
	KindAskAccount    Kind = "ask-account"    // asking for mail × an address
	KindAskNetwork    Kind = "ask-network"    // asking for mail × a network
	KindAskRange      Kind = "ask-range"      // asking for mail × a range
	KindOwn           Kind = "own"            // of the program, see [Own]
)

var kinds = []Kind{KindDevice, KindSession, KindAccount, KindNetwork, KindRange, KindFactorSession, KindFactorAccount, KindFactorDevice, KindFactorMailbox,
	KindAskAccount, KindAskNetwork, KindAskRange}

// After says what a success does to a bucket.
type After uint8

// What a success does.
const (
	Keep   After = iota // nothing: the attempt stays counted
	Refund              // the attempt is not counted: only failures are
	Reset               // the bucket is emptied
)

// A Limit is how many attempts a bucket takes.
type Limit struct {
	Burst  int           // attempts within any stretch of Window
	Window time.Duration // 1 s to 24 h
	// Slow: once Burst is reached, single attempts pass after 1, 2, 4 … minutes, up to one an hour, until a success or a
	// day without attempts. Otherwise the bucket waits until the window frees a place.
	Slow bool
	// Total is how many attempts in a row, without a success, close the bucket to strangers until it was left alone for as
	// many days as there were attempts, 30 at most. NIST SP 800-63B allows 100. 0: it is never closed.
	Total int
	After After

	shared bool // set by the [Limiter]: attempts are of processes with clocks of their own
}

// Defaults returns the limits of the kinds.
func Defaults() map[Kind]Limit {
	const quarter = 15 * time.Minute
	return map[Kind]Limit{
		KindDevice:        {Burst: 10, Window: quarter, Total: 100, After: Reset},
		KindSession:       {Burst: 10, Window: quarter, Total: 100, After: Reset},
		KindAccount:       {Burst: 10, Window: quarter, Slow: true, Total: 100, After: Reset},
		KindNetwork:       {Burst: 50, Window: quarter, After: Refund},
		KindRange:         {Burst: 500, Window: quarter, After: Refund},
		KindFactorSession: {Burst: 5, Window: quarter, After: Reset},
		KindFactorAccount: {Burst: 5, Window: quarter, Total: 100, After: Reset},
		KindFactorDevice:  {Burst: 5, Window: quarter, Total: 100, After: Reset},
		KindFactorMailbox: {Burst: 5, Window: quarter, Total: 100, After: Reset},
		KindAskAccount:    {Burst: 3, Window: time.Hour, After: Keep},
		KindAskNetwork:    {Burst: 20, Window: time.Hour, After: Keep},
		KindAskRange:      {Burst: 200, Window: time.Hour, After: Keep},
	}
}

func (l Limit) fault() string {
	switch {
	case l.Burst < 1 || l.Burst > 10000:
		return fmt.Sprintf("a burst of %d", l.Burst)
	case l.Window < time.Second || l.Window > 24*time.Hour:
		return fmt.Sprintf("a window of %v", l.Window)
	case l.Total != 0 && l.Total < l.Burst || l.Total > 1<<20:
		return fmt.Sprintf("a total of %d with a burst of %d", l.Total, l.Burst)
	case l.After > Reset:
		return fmt.Sprintf("After is %d", l.After)
	}
	return ""
}

// String returns the limit in words.
func (l Limit) String() string {
	s := fmt.Sprintf("%d in %v", l.Burst, l.Window)
	if l.Window%time.Minute == 0 {
		s = fmt.Sprintf("%d in %d min", l.Burst, l.Window/time.Minute)
	}
	if l.Slow {
		s += ", then one after 1, 2, 4 … 60 min"
	}
	if l.Total > 0 {
		s += fmt.Sprintf(", at most %d in a row", l.Total)
	}
	return s
}

// A Bucket counts attempts of one kind by one account, device or network. The zero value counts nothing and is refused.
type Bucket struct {
	kind    Kind
	purpose Purpose
	subject string // framed parts
	own     *Limit
}

// Kind returns what the bucket counts by.
func (b Bucket) Kind() Kind { return b.kind }

// Purpose returns what its permits are good for.
func (b Bucket) Purpose() Purpose { return b.purpose }

// String returns the kind only: what is counted (an account, an address) does not belong into logs.
func (b Bucket) String() string { return "throttle." + string(b.kind) }

// GoString returns the same as String.
func (b Bucket) GoString() string { return b.String() }

// Format implements [fmt.Formatter]: every verb prints what String returns.
func (b Bucket) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(b.String())) }

const maxBuckets = 8

func bucket(purpose Purpose, kind Kind, parts ...string) Bucket {
	return Bucket{kind: kind, purpose: purpose, subject: frame(string(purpose), parts...)}
}

// Device is the bucket of a known device trying a password of an account. The device is the id in its signed cookie, checked
// by the caller; the account is the name as typed, in its normal form, whether there is such an account or not.
func Device(account, device string) Bucket { return bucket(ForPassword, KindDevice, account, device) }

// Account is the bucket of all unknown devices trying passwords of an account, by the name as typed, in its normal form.
func Account(account string) Bucket { return bucket(ForPassword, KindAccount, account) }

// Network are the buckets of an address trying passwords of any account: the address itself (IPv6: its /64) and its /24
// (/48). Without a valid address all such clients share one.
func Network(from netip.Addr) []Bucket {
	near, wide := prefixes(from)
	return []Bucket{bucket(ForPassword, KindNetwork, near), bucket(ForPassword, KindRange, wide)}
}

// SignIn are the buckets of a try at a password. A known device has its own alone, so that neither strangers at the account
// nor neighbours in the network can lock it; an unknown one ("") has the account's, the address's and the range's.
func SignIn(account, device string, from netip.Addr) []Bucket {
	if device != "" {
		return []Bucket{Device(account, device)}
	}
	return append([]Bucket{Account(account)}, Network(from)...)
}

// Again is the bucket of a try at the password of an account in a session that is signed in to it: the session's alone, so that
// strangers who guess do not keep its owner from showing the password once more. A session is made by a sign-in only, so whoever has
// one without the password wins no further ones.
func Again(account, session string) []Bucket {
	return []Bucket{bucket(ForPassword, KindSession, account, session)}
}

// Factor are the buckets of a try at a second factor or recovery code: the session's, and the account's or, for a known
// device, the device's own. A new session has a new bucket of its own; the account's stays, so that signing in again and
// again wins no attempts.
func Factor(account, session, device string) []Bucket {
	second := bucket(ForFactor, KindFactorAccount, account)
	if device != "" {
		second = bucket(ForFactor, KindFactorDevice, account, device)
	}
	return []Bucket{bucket(ForFactor, KindFactorSession, account, session), second}
}

// Recovery is the bucket of a try at a recovery code that stands in for a passkey, after the password: the session's alone. Such
// a code has too many bits to be guessed, so that a count of the account would only help who wants to shut its owner out.
func Recovery(account, session string) []Bucket {
	return []Bucket{bucket(ForFactor, KindFactorSession, account, "recovery", session)}
}

// FactorMailed are the buckets of a try at a second factor in a browser in which a link that was mailed to the account's
// address was opened: the link's and the mailbox's. Whoever has the password alone fills neither, and so does not keep the
// owner out.
func FactorMailed(account, link string) []Bucket {
	return []Bucket{bucket(ForFactor, KindFactorSession, account, "link", link), bucket(ForFactor, KindFactorMailbox, account)}
}

// ResetMail are the buckets of asking for a reset link to an address.
func ResetMail(address string, from netip.Addr) []Bucket { return asking(ForReset, address, from) }

// SignUp are the buckets of making an account for an address.
func SignUp(address string, from netip.Addr) []Bucket { return asking(ForSignUp, address, from) }

// Mail are the buckets of asking for any other mail to an address.
func Mail(address string, from netip.Addr) []Bucket { return asking(ForMail, address, from) }

// Link are the buckets of trying a mailed link or code: the network's, since the link itself says whose it is.
func Link(from netip.Addr) []Bucket {
	near, wide := prefixes(from)
	return []Bucket{bucket(ForLink, KindNetwork, near), bucket(ForLink, KindRange, wide)}
}

// Passkey are the buckets of a try to sign in with one passkey, apart from those of passwords, so that nobody who guesses
// passwords keeps it out: a known device has its own alone, an unknown one ("") has those of this passkey in the address and
// the range. Other passkeys count nothing there, so that neighbours who do not know which one it is keep nobody out.
func Passkey(credential, device string, from netip.Addr) []Bucket {
	if device != "" {
		return []Bucket{bucket(ForPasskey, KindDevice, credential, device)}
	}
	near, wide := prefixes(from)
	return []Bucket{bucket(ForPasskey, KindNetwork, credential, near), bucket(ForPasskey, KindRange, credential, wide)}
}

func asking(purpose Purpose, address string, from netip.Addr) []Bucket {
	near, wide := prefixes(from)
	return []Bucket{bucket(purpose, KindAskAccount, address), bucket(purpose, KindAskNetwork, near), bucket(purpose, KindAskRange, wide)}
}

// Own is a bucket of the program's own, with its own limit and name: a contact form, a voucher. The parts say what is
// counted by; two lists of parts are never the same bucket.
func Own(name constant, limit Limit, parts ...string) Bucket {
	b := bucket(Purpose(name), KindOwn, parts...)
	b.own = &limit
	return b
}

func prefixes(addr netip.Addr) (near, wide string) {
	if !addr.IsValid() {
		return "unknown", "unknown"
	}
	return network.Line(addr).String(), network.Place(addr).String()
}

// frame writes texts one after the other, each with its length before it, so that no two lists give the same.
func frame(first string, parts ...string) string {
	size := len(first) + binary.MaxVarintLen64
	for _, p := range parts {
		size += len(p) + binary.MaxVarintLen64
	}
	b := make([]byte, 0, size)
	b = append(binary.AppendUvarint(b, uint64(len(first))), first...)
	for _, p := range parts {
		b = append(binary.AppendUvarint(b, uint64(len(p))), p...)
	}
	return string(b)
}

// A Key names a bucket in a store: an HMAC-SHA-256 of what it counts, so that the store names nobody.
type Key [sha256.Size]byte

const labelKey = "merlon/throttle/v1"

func (l *Limiter) keyOf(b Bucket) (k Key) {
	h := hmac.New(sha256.New, l.key)
	h.Write([]byte(frame(labelKey, string(b.kind), b.subject)))
	h.Sum(k[:0])
	return k
}
