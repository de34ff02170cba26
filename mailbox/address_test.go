package mailbox_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/mailbox"
)

func TestParseAddress(t *testing.T) {
	for _, c := range []struct {
		in, want string // want "": refused
	}{
		{"ann@site.test", "ann@site.test"},
		{"Ann.O'Hara+tag@Site.TEST", "Ann.O'Hara+tag@site.test"},
		{"root@localhost", "root@localhost"}, {"a1@x2.test", "a1@x2.test"},
		{"a@" + strings.Repeat("abcdefgh.", 27) + "abcd.test", "a@" + strings.Repeat("abcdefgh.", 27) + "abcd.test"}, // 254 bytes
		{"a@" + strings.Repeat("abcdefgh.", 27) + "abcde.test", ""},
		{"a@xn--bcher-kva.example", "a@xn--bcher-kva.example"},
		{"a@1.2.3.test", "a@1.2.3.test"},
		{strings.Repeat("a", 64) + "@x.test", strings.Repeat("a", 64) + "@x.test"},
		{"", ""}, {"ann", ""}, {"@x.test", ""}, {"ann@", ""}, {"a@b@c.test", ""},
		{"a@x.test, b@y.test", ""}, {"<a@x.test>", ""}, {"Ann <a@x.test>", ""}, {"a@x.test> SIZE=1", ""},
		{"a@x.test\r\nDATA", ""}, {"a@x.test\n", ""}, {"a\x00@x.test", ""}, {" a@x.test", ""}, {"a@x.test ", ""}, {"a\tb@x.test", ""},
		{"-oQ/tmp@x.test", ""}, {".a@x.test", ""}, {"a.@x.test", ""}, {"a..b@x.test", ""},
		{`"a b"@x.test`, ""}, {"a(comment)@x.test", ""}, {"a@[127.0.0.1]", ""}, {"a@127.0.0.1", ""}, {"a@x.1", ""},
		{"a@server", ""}, {"a@-x.test", ""}, {"a@x-.test", ""}, {"a@x..test", ""}, {"a@x.test.", ""}, {"a@.test", ""},
		{"a@bücher.example", ""}, {"ä@x.test", ""}, {"a@x.t\u200best", ""}, {"a@x_y.test", ""}, {"a@x.test%0d", ""},
		{strings.Repeat("a", 65) + "@x.test", ""}, {"a@" + strings.Repeat("a", 64) + ".test", ""},
		{"a@" + strings.Repeat("abcdefgh.", 30) + "test", ""}, {"a;b@x.test", ""}, {"a,b@x.test", ""}, {"a@x.test;b@y.test", ""},
	} {
		got, err := mailbox.ParseAddress(c.in)
		if got.String() != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%q: %q, %v; want %q", c.in, got, err, c.want)
		}
		var f check.Finding
		if err != nil && (!errors.As(err, &f) || f.ID != mailbox.RuleAddress.ID) {
			t.Errorf("%q: %v is no finding", c.in, err)
		}
		if err != nil && len(c.in) > 8 && strings.Contains(err.Error(), c.in) {
			t.Errorf("%q: the error repeats the address", c.in)
		}
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{"ann@site.test", "a@x.test, b@y.test", "-o@x.test", "a@[::1]", "a..b@x.test", "a@xn--bcher-kva.example", "a@localhost"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := mailbox.ParseAddress(s)
		if err != nil {
			if a.String() != "" {
				t.Fatal("an address beside an error")
			}
			return
		}
		out := a.String()
		if !strings.EqualFold(out, s) || strings.Count(out, "@") != 1 || len(out) > 254 || out[0] == '-' || strings.ContainsAny(out, " \t\r\n\x00<>()[],;:\\\"") {
			t.Fatalf("%q became %q", s, out)
		}
		for _, c := range out {
			if c > 126 || c < 33 {
				t.Fatalf("%q became %q", s, out)
			}
		}
		if again, err := mailbox.ParseAddress(out); err != nil || again != a {
			t.Fatalf("%q does not parse again: %v", out, err)
		}
	})
}
