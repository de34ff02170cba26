package password_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/password"
	"github.com/merlon-web/merlon/secret"
)

func TestPolicy(t *testing.T) {
	alone := password.Policy{Words: []string{"Rowing Club"}}
	second := password.Policy{Min: password.MinWithSecondFactor, Words: []string{"Rowing Club"}}
	own := []string{"Ann Miller", "ann.miller@example.org"}
	for _, c := range []struct {
		policy   password.Policy
		password string
		want     string // key, "" when it may be chosen
	}{
		{alone, "", "password.empty"},
		{alone, "correct horse", "password.short"},
		{alone, "fourteen chars", "password.short"},
		{alone, "heron kettle violet", ""},
		{alone, "correct horse battery staple", "password.common"}, // printed as an example, so it is none
		{alone, "Correct-Horse-Battery-Staple-1!", "password.common"},
		{alone, "2026: Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich.", "password.common"},
		{alone, "correct horse battery staple beside the kettle", ""}, // words of one's own
		{alone, "ключ от старой лодки", ""},
		{alone, "äöüäöüßäöüäöüßx", ""},                         // 15 code points
		{alone, "äöüäöüßäöüäöüß", "password.short"},            // 14 code points, 28 bytes
		{alone, " leading and trailing ", ""},                  // as received
		{alone, "aaaaaaaaaaaaaaaaaaaaaaa", "password.pattern"}, // NIST: no composition rule, but repetition
		{alone, "abcabcabcabcabcabc", "password.pattern"},      //
		{alone, "123456789012345678901", "password.pattern"},   //
		{alone, "abcdefghijklmnopqrst", "password.pattern"},    //
		{alone, "heronheronheron", "password.pattern"},
		{alone, "quarry xy quarry xy", ""},               // a unit of eight letters, not on the list
		{alone, "quarry x quarry x", "password.pattern"}, // of seven
		{alone, "password password password", "password.pattern"},
		{alone, "Password, password! PASSWORD", "password.pattern"},
		{alone, "football1-football1-foot", "password.pattern"}, // the last time is cut
		{alone, "secret. secret. secret.", "password.pattern"},
		{alone, "---------------a-", "password.pattern"},
		{alone, "heron password kettle", ""}, // a common word among others
		{alone, "football1football1football1", "password.pattern"},
		{alone, "acegikmoqsuwyacegik", "password.pattern"},
		{alone, "zyxwvutsrqponmlkjih", "password.pattern"},
		{alone, "8317 2946 5520 7713", ""},                  // digits only: no composition rule
		{alone, "passwordpassword!", "password.pattern"},    //
		{alone, "passwordpassword", "password.common"},      //
		{alone, "1qaz2wsx3edc4rfv", "password.common"},      //
		{alone, "1QAZ2WSX3EDC4RFV", "password.common"},      //
		{alone, "123456789987654321", "password.common"},    //
		{alone, "rowing-club-2026!", "password.words"},      //
		{alone, "Ann.Miller.1987-2026", "password.words"},   //
		{alone, "ann.miller@example.org", "password.words"}, //
		{alone, "rowing club heron kettle", ""},             // a word of the site among others
		{alone, strings.Repeat("a long one ", 200), "password.long"},
		{password.Policy{Words: []string{"Al"}}, "9981 2204 alal 7731", ""}, // too short a word to judge by
		{second, "password", "password.common"},
		{second, "Sunshine", "password.common"},
		{second, "football1", "password.common"},
		{second, "kq7vz1xw", ""},
		{second, "kq7vz1x", "password.short"},
		{password.Policy{Min: 1}, "kq7vz1x", "password.short"}, // never less than eight
		{second, "rowing12", "password.words"},
	} {
		got := ""
		if p := c.policy.Problems(secret.New(c.password), own...); len(p) > 0 {
			got = p[0].Key
			if p[0].Text == "" || c.password != "password" && len(c.password) > 3 && strings.Contains(p[0].Text, c.password) {
				t.Errorf("%q: text %q", c.password, p[0].Text)
			}
		}
		if got != c.want {
			t.Errorf("%.40q: %q, want %q", c.password, got, c.want)
		}
	}
	if s := alone.Sentence(); !strings.Contains(s, "15") {
		t.Error(s)
	}
	if s := second.Sentence(); !strings.Contains(s, "8") {
		t.Error(s)
	}
}

func TestCommonTakesFewGoodPasswordsForCommonOnes(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const n = 100_000
	wrong := 0
	for i := range n {
		if password.Common(fmt.Sprintf("%x-%d", r.Uint64(), i)) {
			wrong++
		}
	}
	if wrong*256 > n || wrong == 0 {
		t.Errorf("%d of %d random passwords are called common, want about one in 512", wrong, n)
	}
}

func BenchmarkProblems(b *testing.B) {
	p := password.Policy{Words: []string{"Rowing Club"}}
	pw := secret.New("heron kettle violet quarry")
	b.ReportAllocs()
	for b.Loop() {
		if len(p.Problems(pw, "Ann Miller", "ann@example.org")) != 0 {
			b.Fatal("refused")
		}
	}
}
