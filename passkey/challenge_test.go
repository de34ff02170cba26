package passkey

import (
	"testing"
	"time"
)

// TestAChallengeIsGoodForOneThing: each thing that it is bound to counts by itself.
func TestAChallengeIsGoodForOneThing(t *testing.T) {
	p, now := &part{key: []byte("0123456789abcdef0123456789abcdef")}, time.Unix(1_800_000_000, 0)
	right := bound{purpose: toAdd, browser: []byte("browser"), user: 7, handle: []byte("handle")}
	c := p.challenge(now, right)
	if !p.fresh(c, now, right) || !p.fresh(c, now.Add(challengeLife-time.Second), right) {
		t.Fatal("the right one is refused")
	}
	for name, b := range map[string]bound{
		"purpose":                 {toSignIn, right.browser, right.user, right.handle},
		"browser":                 {toAdd, []byte("another"), right.user, right.handle},
		"user":                    {toAdd, right.browser, 8, right.handle},
		"handle":                  {toAdd, right.browser, right.user, nil},
		"a byte in another place": {toAdd, []byte("browse"), right.user, []byte("rhandle")},
	} {
		if p.fresh(c, now, b) {
			t.Errorf("another %s is accepted", name)
		}
	}
	for i := range c {
		changed := append([]byte(nil), c...)
		changed[i] ^= 1
		if p.fresh(changed, now, right) {
			t.Errorf("accepted with byte %d changed", i)
		}
	}
	other := &part{key: []byte("0123456789abcdef0123456789abcdeF")}
	for name, ok := range map[string]bool{
		"cut": p.fresh(c[:len(c)-1], now, right), "longer": p.fresh(append(c[:len(c):len(c)], 0), now, right), "empty": p.fresh(nil, now, right),
		"old": p.fresh(c, now.Add(challengeLife), right), "from the future": p.fresh(c, now.Add(-2*time.Second), right), "another key": other.fresh(c, now, right),
	} {
		if ok {
			t.Errorf("%s: accepted", name)
		}
	}
	if string(p.challenge(now, right)) == string(c) || string(p.firstHandle(c)) == string(p.firstHandle(p.challenge(now, right))) {
		t.Error("two challenges, or two handles, are the same")
	}
}
