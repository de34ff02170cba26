package password_test

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/internal/e2e/need"
	"github.com/merlon-web/merlon/password"
)

func TestVectors(t *testing.T) {
	text, err := os.ReadFile("testdata/password-hashes.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		ID, Title, Hash, Password string
		PasswordHex               string `json:"password_hex"`
		RepeatPassword            int    `json:"repeat_password"`
		RepeatHash                struct {
			Append string
			Times  int
		} `json:"repeat_hash"`
		Expect struct {
			Result, Reason string
			Upgrade        *bool
		}
	}
	if err := json.Unmarshal(text, &cases); err != nil || len(cases) != 99 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	s, h := open(t), hasher(t, func(c *password.Config) { c.Params, c.InsecureCosts = password.Params{}, "" }) // calibrated
	for _, c := range cases {
		t.Run(c.ID, func(t *testing.T) {
			pw := c.Password
			if c.PasswordHex != "" {
				raw, err := hex.DecodeString(c.PasswordHex)
				if err != nil {
					t.Fatal(err)
				}
				pw = string(raw)
			}
			if c.RepeatPassword > 0 {
				pw = strings.Repeat(pw, c.RepeatPassword)
			}
			stored := c.Hash + strings.Repeat(c.RepeatHash.Append, c.RepeatHash.Times)
			before, start := h.Stats().Hashed, time.Now()
			got := s.verify(h, stored, pw)
			hashes := h.Stats().Hashed - before
			switch c.Expect.Result {
			case "match":
				if !got.OK || hashes != 1 || c.Expect.Upgrade != nil && got.Upgrade != *c.Expect.Upgrade {
					t.Errorf("%s %s: %+v with %d hashes, want a match", c.ID, c.Title, got, hashes)
				}
			case "mismatch":
				if got != (password.Result{}) || hashes != 1 {
					t.Errorf("%s %s: %+v with %d hashes, want a mismatch", c.ID, c.Title, got, hashes)
				}
			case "unusable":
				if got.OK || got.Upgrade || got.Reason != password.Unusable || hashes != 1 {
					t.Errorf("%s %s: %+v with %d hashes, want unusable and a dummy hash", c.ID, c.Title, got, hashes)
				}
			case "refused":
				if got.OK || got.Upgrade || string(got.Reason) != c.Expect.Reason {
					t.Errorf("%s %s: %+v, want refused for %s", c.ID, c.Title, got, c.Expect.Reason)
				}
				if took := time.Since(start); hashes != 0 || took > 5*time.Second {
					t.Errorf("%s %s: the refusal cost %d hashes and %v", c.ID, c.Title, hashes, took)
				}
			case "either":
				if got.OK && !got.Upgrade && strings.Contains(c.Title, "salted") {
					t.Errorf("%s %s: a match without an upgrade", c.ID, c.Title)
				}
			default:
				t.Fatalf("%s: unknown expectation %q", c.ID, c.Expect.Result)
			}
		})
	}
}

// One spelling for one hash: whatever a vector does not try.
func TestParsingIsStrict(t *testing.T) {
	const (
		rest = "$argon2id$v=19$m=65536,t=2,p=1$WmM4V20wbzFtUmNEMnE3eTN4S0o1dA$IB8W96ijM5KMv4AAlWqIeZ1zi+HU377tlRtXN0oLMJE"
		sum  = "BHaGrVcYQnudCHpuKiqPousP6HJNAS1xNrwLe3+fz7U="
		long = "vEOpuTAm2ZHoj/G5Tiz9IR1DF1i4QxwBwvhwiFx90XV4xF8jvCgktDAZnKf3jrs+R33ty7xEUJuGtgjjThrgwQ=="
	)
	bcrypt := "$2b$05$m0xnQ0j5EVk/uwdk/1BvqO.3D1QXm2QPIoFCLDDyY//dX/7oY3QJS"
	for _, c := range []struct {
		stored string
		want   password.Reason // "" accepted
	}{
		{"$merlon1$k=1" + rest, ""},
		{"$merlon1$k=4294967295" + rest, ""},
		{"$merlon1$k=1,from=md5,salt=" + rest, ""},
		{"$merlon1$k=1,from=sha1,salt=WmM4" + rest, ""},
		{"$merlon1$k=0" + rest, password.Malformed},
		{"$merlon1$k=4294967296" + rest, password.Malformed},
		{"$merlon1$k=01" + rest, password.Malformed},
		{"$merlon1$k=" + rest, password.Malformed},
		{"$merlon1$1" + rest, password.Malformed},
		{"$merlon1$k=1,k=2" + rest, password.Malformed},
		{"$merlon1$k=1,from=md5" + rest, password.Malformed},
		{"$merlon1$k=1,from=md5,salt=WmM4,x=1" + rest, password.Malformed},
		{"$merlon1$k=1,salt=WmM4,from=md5" + rest, password.Malformed},
		{"$merlon1$k=1,xrom=md5,salt=WmM4" + rest, password.Malformed},
		{"$merlon1$k=1,from=md5,xalt=WmM4" + rest, password.Malformed},
		{"$merlon1$k=1,from=md4,salt=WmM4" + rest, password.Malformed},
		{"$merlon1$k=1,from=md5,salt=WmN" + rest, password.Malformed},  // loose bits
		{"$merlon1$k=1,from=md5,salt=WmMK" + rest, password.Malformed}, // a line break in the salt
		{"$merlon1$k=1$argon2i" + rest[len("$argon2id"):], password.Malformed},
		{"$merlon1$k=1", password.Malformed},
		{"$merlon1$" + rest[1:], password.Malformed},
		{"merlon1$k=1" + rest, password.UnknownAlgorithm},
		{"$merlon2$k=1" + rest, password.UnknownAlgorithm},
		{"$merlon1", password.UnknownAlgorithm},
		{rest, ""},
		{rest[1:], password.UnknownAlgorithm},
		{"$argon2x" + rest[len("$argon2id"):], password.UnknownAlgorithm},
		{strings.Replace(rest, "v=19", "v=x", 1), password.Malformed},
		{"$argon2id$x$y$z", password.Malformed},
		{"$argon2id$m=8,t=1,p=1$x", password.Malformed},
		{strings.Replace(rest, "S0o1dA", "S0o1dB", 1), password.Malformed}, // loose bits of the salt
		{strings.Replace(rest, "S0o1dA", "S0o1d-", 1), password.Malformed},
		{strings.Replace(rest, "v=19", "v=019", 1), password.Malformed},
		{strings.Replace(rest, "v=19", "w=19", 1), password.Malformed},
		{strings.Replace(rest, "m=65536,t=2", "t=2,m=65536", 1), password.Malformed},
		{strings.Replace(rest, "m=65536", "m=15", 1), ""},
		{strings.Replace(rest, "m=65536,t=2,p=1", "m=15,t=2,p=2", 1), password.Malformed}, // RFC 9106: at least 8 p
		{strings.Replace(rest, "m=65536,t=2,p=1", "m=65536,t=2,p=1,data=AA", 1), password.Unsupported},
		{strings.Replace(rest, "m=65536,t=2,p=1", "m=65536,t=2,p=1,x=AA", 1), password.Malformed},
		{strings.Replace(rest, "m=65536,t=2,p=1", "m=065536,t=2,p=1", 1), password.Malformed},
		{strings.Replace(rest, "m=65536,t=2,p=1", "m=262145,t=2,p=1", 1), password.TooCostly},
		{strings.Replace(rest, "m=65536,t=2,p=1", "m=262144,t=10,p=16", 1), ""},
		{strings.Replace(rest, "m=65536,t=2,p=1", "m=65536,t=11,p=1", 1), password.TooCostly},
		{strings.Replace(rest, "m=65536,t=2,p=1", "m=65536,t=2,p=17", 1), password.TooCostly},
		{strings.Replace(rest, "m=65536,t=2,p=1", "m=0,t=2,p=17", 1), password.Malformed},
		{strings.Replace(rest, "WmM4V20wbzFtUmNEMnE3eTN4S0o1dA", "WmM4V20wbw", 1), password.Malformed},               // 7 bytes
		{strings.Replace(rest, "WmM4V20wbzFtUmNEMnE3eTN4S0o1dA", "WmM4V20wbzE", 1), ""},                              // 8
		{strings.Replace(rest, "WmM4V20wbzFtUmNEMnE3eTN4S0o1dA", strings.Repeat("AAAA", 21)+"AQ", 1), ""},            // 64
		{strings.Replace(rest, "WmM4V20wbzFtUmNEMnE3eTN4S0o1dA", strings.Repeat("AAAA", 22), 1), password.Malformed}, // 66
		{rest[:strings.LastIndex(rest, "$")+1] + strings.Repeat("AAAA", 5), password.Malformed},                      // 15
		{rest[:strings.LastIndex(rest, "$")+1] + strings.Repeat("AAAA", 22), password.Malformed},                     // 66
		{"argon2" + rest, ""},
		{"argon2$", password.UnknownAlgorithm},
		{"argon2$argon2id", password.Malformed},
		{"pbkdf2_sha256$10000000$x$" + sum, ""},
		{"pbkdf2_sha1$10$x$" + sum, password.Malformed},
		{"pbkdf2_sha256$10$x\x7f$" + sum, password.Malformed},
		{"pbkdf2_sha256$10$é$" + sum, password.Malformed},
		{"pbkdf2_sha256$10$x", password.Malformed},
		{"scrypt$16384$x$8$5$" + long, ""},
		{"scrypt$16384$x$8$$" + long, password.Malformed},
		{"scrypt$16384$$8$5$" + long, password.Malformed},
		{"scrypt$16384$x$8$" + long, password.Malformed},
		{"scrypt$16384$x$0$5$" + long, password.Malformed},
		{"scrypt$1$x$8$5$" + long, password.Malformed},
		{"scrypt$16384$x$8$17$" + long, password.TooCostly},
		{"scrypt$65536$x$16$1$" + long, password.TooCostly}, // 128 MiB
		{"scrypt$65536$x$8$16$" + long, password.TooCostly}, // N·r·p
		{"scrypt$65536$x$8$8$" + long, ""},
		{"scrypt$99999999999999999999$x$y$1$" + long, password.Malformed},
		{bcrypt, ""},
		{"bcrypt$" + bcrypt, ""},
		{"bcrypt_sha256$" + bcrypt, ""},
		{"bcrypt$x" + bcrypt, password.Malformed},
		{"bcrypt$$2b", password.Malformed},
		{strings.Replace(bcrypt, "2b", "2z", 1), password.UnknownAlgorithm},
		{strings.Replace(bcrypt, "2b", "2", 1), password.Malformed},
		{strings.Replace(bcrypt, "$05$", "$03$", 1), password.Malformed},
		{strings.Replace(bcrypt, "$05$", "$04$", 1), ""},
		{strings.Replace(bcrypt, "$05$", "$16$", 1), ""},
		{strings.Replace(bcrypt, "$05$", "$17$", 1), password.TooCostly},
		{strings.Replace(bcrypt, "$05$", "$ 5$", 1), password.Malformed},
		{strings.Replace(bcrypt, "$05$", "$0x$", 1), password.Malformed},
		{strings.Replace(bcrypt, "$05$", "$050", 1), password.Malformed},
		{bcrypt[:28] + "P" + bcrypt[29:], password.Malformed}, // loose bits of the salt
		{bcrypt[:59] + "T", password.Malformed},               // and of the hash
		{"md5$x$d8c25f4e9007529faab7b99f19856ffe", ""},
		{"md5$x$D8C25F4E9007529FAAB7B99F19856FFE", password.Malformed},
		{"md5$x$d8c25f4e9007529faab7b99f19856ff", password.Malformed},
		{"md5$x", password.Malformed},
		{"sha1$x$d8c25f4e9007529faab7b99f19856ffe", password.Malformed},
		{"D8C25F4E9007529FAAB7B99F19856FFE", password.UnknownAlgorithm},
		{"crypt$$x", password.Unsupported},
		{"nonsense\n", password.UnknownAlgorithm},
		{"!" + strings.Repeat("x", 511), password.Unusable},
		{"!" + strings.Repeat("x", 512), password.Malformed},
	} {
		if got := password.Inspect(c.stored); got.Reason != c.want || (got.Algorithm == "") != (c.want != "") {
			t.Errorf("%s: %+v, want %q", c.stored, got, c.want)
		}
	}
}

// The hashes that are verified, at the costs that Django writes.
func TestDjangoAtFullCost(t *testing.T) {
	need.Time(t, "hashes at Django's full cost")
	s, h := open(t), hasher(t, nil)
	for _, stored := range []string{
		"pbkdf2_sha256$1200000$Zc8Wm0o1mRcD2q7y3xKJ5t$eFL0pDjLt4v9dVIOkZfcJ38TjjWG5JqwYodvYvfieXg=",
		"pbkdf2_sha1$1200000$Zc8Wm0o1mRcD2q7y3xKJ5t$R1xmE3F3DmUrIbOE3l+LBlEL/3I=",
		"scrypt$16384$Zc8Wm0o1mRcD2q7y3xKJ5t$8$5$vEOpuTAm2ZHoj/G5Tiz9IR1DF1i4QxwBwvhwiFx90XV4xF8jvCgktDAZnKf3jrs+R33ty7xEUJuGtgjjThrgwQ==",
		"argon2$argon2id$v=19$m=102400,t=2,p=8$WmM4V20wbzFtUmNEMnE3eTN4S0o1dA$0hgLozpbyn4ykb7ZqNrkY+tp8iLwlU4/Yq2ecKVIG74",
		"bcrypt_sha256$$2a$12$ZoyHzlj2HM3jDhslqJDpQ.2UklQGLz2bxzh.zf0D9fSBaDjY.ULc6",
		"md5$Zc8Wm0o1mRcD2q7y3xKJ5t$d8c25f4e9007529faab7b99f19856ffe",
	} {
		if got := s.verify(h, stored, right); !got.OK || !got.Upgrade {
			t.Errorf("%.20s…: %+v", stored, got)
		}
	}
}

// No accepted hash may cost more than the caps, and what is accepted has one spelling.
func FuzzStored(f *testing.F) {
	text, err := os.ReadFile("testdata/password-hashes.json")
	if err != nil {
		f.Fatal(err)
	}
	var cases []struct{ Hash string }
	if err := json.Unmarshal(text, &cases); err != nil {
		f.Fatal(err)
	}
	for _, c := range cases {
		f.Add(c.Hash)
	}
	f.Add("$merlon1$k=2$argon2id$v=19$m=65536,t=2,p=1$WmM4V20wbzFtUmNEMnE3eTN4S0o1dA$IB8W96ijM5KMv4AAlWqIeZ1zi+HU377tlRtXN0oLMJE")
	f.Add("$merlon1$k=2,from=md5,salt=WmM4$argon2id$v=19$m=65536,t=2,p=1$WmM4V20wbzFtUmNEMnE3eTN4S0o1dA$IB8W96ijM5KMv4AAlWqIeZ1zi+HU377tlRtXN0oLMJE")
	f.Fuzz(func(t *testing.T, stored string) {
		memory, work, reason := password.Costs(stored)
		if reason != "" {
			if info := password.Inspect(stored); info.Algorithm != "" {
				t.Fatalf("%q: refused for %s, yet %+v", stored, reason, info)
			}
			return
		}
		if memory > 256<<10 || work > 256<<10*10 && work > 10_000_000 {
			t.Fatalf("%q: %d KiB, work %d", stored, memory, work)
		}
		if len(stored) > 512 {
			t.Fatalf("%d bytes were accepted", len(stored))
		}
		if stored[0] == '!' {
			return
		}
		for _, c := range []byte(stored) {
			if c < 32 || c > 126 {
				t.Fatalf("%q was accepted", stored)
			}
		}
		for _, add := range []string{"\n", " ", "$", "$x", "=", "\x00"} {
			if _, _, reason := password.Costs(stored + add); reason == "" && !strings.HasPrefix(add, "=") {
				t.Fatalf("%q was accepted, and with %q behind it too", stored, add)
			}
		}
	})
}
