package account_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/merlontest"
	"github.com/merlon-web/merlon/password"
	"github.com/merlon-web/merlon/secret"
)

const (
	slowHash   = "pbkdf2_sha256$2000$Zc8Wm0o1mRcD2q7y3xKJ5t$eFL0pDjLt4v9dVIOkZfcJ38TjjWG5JqwYodvYvfieXg="
	slowerHash = "pbkdf2_sha256$3000$Zc8Wm0o1mRcD2q7y3xKJ5t$eFL0pDjLt4v9dVIOkZfcJ38TjjWG5JqwYodvYvfieXg="
)

// imported makes n accounts with a hash of another program, and has the site look at them.
func imported(t *testing.T, s *merlontest.Server, name, hash string, n int) {
	t.Helper()
	s.Write(func(w *db.Writer) error {
		for i := range n {
			if _, err := account.Create(w, fmt.Sprintf("%s%d@example.test", name, i), "Imported", hash, s.Now()); err != nil {
				return err
			}
		}
		return nil
	})
	if err := account.Sweep(s.Site.House()); err != nil {
		t.Fatal(err)
	}
}

// Unknown addresses are as slow as accounts are, in the same shares, each address always the same; when the slow ones sign in
// addresses become fast with them, and none slow.
func TestUnknownAddressesAreLikeAccounts(t *testing.T) { // AUTH-6
	s := merlontest.Start(t, open)
	const n = 4000
	kinds := func() (of map[string]int, each []string) {
		of = map[string]int{}
		for i := range n {
			like, err := account.LikeFor(s.Site.House(), fmt.Sprintf("nobody%d@example.test", i))
			if err != nil {
				t.Fatal(err)
			}
			kind := account.KindOf(s.Site.House(), like)
			of[kind]++
			each = append(each, kind)
		}
		return of, each
	}
	if of, _ := kinds(); of[""] != n {
		t.Errorf("without imported accounts: %v", of)
	}
	imported(t, s, "own", "$merlon1$k=1$argon2id$v=19$m=1024,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 30)
	imported(t, s, "none", account.NoPassword, 50) // who cannot sign in by a password has no share
	imported(t, s, "slow", slowHash, 50)
	imported(t, s, "slower", slowerHash, 20)
	of, before := kinds()
	for kind, want := range map[string]int{"": 30, "pbkdf2_sha256 2000": 50, "pbkdf2_sha256 3000": 20} {
		if got := of[kind] * 100 / n; got < want-4 || got > want+4 {
			t.Errorf("%d %% of unknown addresses are of kind %q, want about %d", got, kind, want)
		}
	}
	if _, again := kinds(); fmt.Sprint(again) != fmt.Sprint(before) {
		t.Error("an address changes its kind")
	}
	s.Write(func(w *db.Writer) error { // all of the slower ones sign in
		list, err := account.List(w, 200)
		for _, m := range list {
			if m.Email[:6] == "slower" {
				err = account.SetHash(w, m.ID, "$merlon1$k=1$argon2id$v=19$m=1024,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
			}
		}
		return err
	})
	if err := account.Sweep(s.Site.House()); err != nil {
		t.Fatal(err)
	}
	_, after := kinds()
	for i := range after {
		if before[i] == "" && after[i] != "" {
			t.Fatal("an address that was fast is slow now")
		}
		if after[i] == "pbkdf2_sha256 3000" {
			t.Fatal("a kind that no account has is still done")
		}
	}
}

// A hash of the site's own form and of other costs is of a kind of its own: unknown addresses are as slow as accounts from
// before the costs were changed.
func TestHashesOfOtherCostsHaveAShare(t *testing.T) { // AUTH-6
	s := merlontest.Start(t, open)
	const before = "$merlon1$k=1$argon2id$v=19$m=32768,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	imported(t, s, "old", before, 20)
	_, foreign, err := account.Foreign(s.Site.House())
	if err != nil {
		t.Fatal(err)
	}
	for n, email := range []string{"old1@example.test", "nobody@example.test", "nobody2@example.test"} {
		signIn(s.Visitor(), email, "not the right one").Is(422)
		if _, slow, _ := account.Foreign(s.Site.House()); slow != foreign+uint64(n)+1 {
			t.Errorf("%s: %d hashes of the old costs, want %d", email, slow-foreign, n+1)
		}
	}
}

// HashFor hashes at the cost that the site's configuration names.
func TestHashForCostsWhatTheSiteCosts(t *testing.T) {
	costs := password.Params{Memory: 20 << 10, Time: 3}
	s := merlontest.Start(t, openWith(account.Config{Hashing: costs}))
	hash, err := account.HashFor(t.Context(), s.Site.House(), secret.New(good))
	if got := password.Inspect(hash).Costs; err != nil || got != costs {
		t.Errorf("%v, %v; want %v", got, err, costs)
	}
}

// A kind that comes moves addresses into it only, whatever its name; a new key of the ring moves none.
func TestKindsMoveNobodyElse(t *testing.T) { // AUTH-6
	s := merlontest.Start(t, open)
	imported(t, s, "own", "$merlon1$k=1$argon2id$v=19$m=1024,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 20)
	imported(t, s, "slower", slowerHash, 40)
	kinds := func() (each []string) {
		for i := range 2000 {
			like, err := account.LikeFor(s.Site.House(), fmt.Sprintf("nobody%d@example.test", i))
			if err != nil {
				t.Fatal(err)
			}
			each = append(each, account.KindOf(s.Site.House(), like))
		}
		return each
	}
	before := kinds()
	if _, err := s.Site.House().Keys.Rotate(s.Now()); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(kinds()) != fmt.Sprint(before) {
		t.Error("a new key moves addresses")
	}
	imported(t, s, "slow", slowHash, 30) // sorts before the other
	moved := 0
	for i, kind := range kinds() {
		if kind == before[i] {
			continue
		}
		if moved++; kind != "pbkdf2_sha256 2000" {
			t.Fatalf("an address moved from %q to %q", before[i], kind)
		}
	}
	if moved < 500 || moved > 850 { // 30 of 90
		t.Errorf("%d of 2000 addresses are of the new kind, want about 667", moved)
	}
}

// By count: a sign-in at an unknown address computes what one at an imported account computes.
func TestSignInOfNobodyIsSlowToo(t *testing.T) { // AUTH-6
	s := merlontest.Start(t, open)
	imported(t, s, "slow", slowHash, 20)
	for _, email := range []string{"slow1@example.test", "nobody@example.test", "nobody2@example.test"} {
		all, foreign, err := account.Foreign(s.Site.House())
		if err != nil {
			t.Fatal(err)
		}
		signIn(s.Visitor(), email, "not the right one").Is(422)
		if now, slow, _ := account.Foreign(s.Site.House()); now-all != 1 || slow-foreign != 1 {
			t.Errorf("%s: %d hashes, %d of an imported kind; want one of that", email, now-all, slow-foreign)
		}
	}
}

// After a theft the hashes of all accounts are void, and computed as before: unknown addresses must cost the same then too.
func TestUnknownAddressesAfterATheft(t *testing.T) { // AUTH-6
	s := merlontest.Start(t, open)
	imported(t, s, "slow", slowHash, 20)
	imported(t, s, "own", "$merlon1$k=1$argon2id$v=19$m=1024,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 20)
	kinds := func(s *merlontest.Server) (slow, own int) {
		for i := range 400 {
			like, err := account.LikeFor(s.Site.House(), fmt.Sprintf("nobody%d@example.test", i))
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(like, "pbkdf2_sha256$2000$") {
				slow++
			} else {
				own++
			}
		}
		return slow, own
	}
	before, _ := kinds(s)
	copied, _ := restored(t, s, open, merlon.Restore{AfterTheft: true})
	if err := account.Sweep(copied.Site.House()); err != nil {
		t.Fatal(err)
	}
	if after, own := kinds(copied); after < 150 || before < 150 || own < 150 {
		t.Errorf("of 400 unknown addresses %d cost what imported accounts do before a theft, %d after, and %d what the site's own", before, after, own)
	}
}
