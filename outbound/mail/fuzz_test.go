package mail_test

import (
	"mime"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/merlon-web/merlon/outbound/mail"
	"github.com/merlon-web/merlon/secret"
)

// Every subject that the room takes arrives as it is, in lines of at most 78 ASCII characters, and never as a second header.
func FuzzSubject(f *testing.F) {
	for _, s := range []string{"Hello", " a ", "=?utf-8?q?=0D=0ABcc:_x?=", "a =?utf-8?b?eA==?= b", "Grüße", strings.Repeat("日", 60), strings.Repeat("x", 67), "a?=b", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r >= 0x7f && r <= 0x9f }) {
			t.Skip("refused before")
		}
		header := "Subject: " + mail.EncodeSubject(s)
		for i, line := range strings.Split(header, "\r\n") {
			if len(line) > 78 || i > 0 && !strings.HasPrefix(line, " ") || strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Fatalf("%q became %q", s, header)
			}
		}
		unfolded := strings.ReplaceAll(strings.TrimPrefix(header, "Subject: "), "\r\n", "")
		if got, err := new(mime.WordDecoder).DecodeHeader(unfolded); err != nil || got != s {
			t.Fatalf("%q is read as %q, %v", s, got, err)
		}
	})
}

func listener(t testing.TB) *mail.Sender {
	t.Helper()
	s, err := mail.New(mail.Config{Host: "x.test", Site: "club.test", From: "club@x.test", User: "u", Password: secret.New("canary-password")})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A secret on the edge of what is looked at or of what is kept is not left by half.
func TestSecretsOnTheEdge(t *testing.T) {
	s := listener(t)
	link := "https://club.test/reset/tok-0123456789abcdef "
	for n := range 60 {
		for _, before := range []string{strings.Repeat("x ", 130), strings.Repeat(link, 21), strings.Repeat("x", 950)} {
			if got := s.Clean(before+strings.Repeat("y", n)+"canary-password "+link, hello("ann@x.test")); strings.Contains(got, "canary") || strings.Contains(got, "tok-") {
				t.Fatalf("%d: %q", n, got)
			}
		}
	}
}

// Whatever a server answers: what is kept is short, one line, and repeats neither the password nor a link of the mail.
func FuzzWhatAServerSays(f *testing.F) {
	for _, s := range []string{"2.0.0 OK", "no https://club.test/reset/tok-0123456789abcdef", "\x1b[31m\r\nred", "<ANN@x.test> unknown", "canary-password", "535 CANARY-Password", "Y2FuYXJ5LXBhc3N3b3Jk", "\xff\xfe", strings.Repeat("İ", 400)} {
		f.Add(s)
	}
	s := listener(f)
	m := hello("ann@x.test")
	f.Fuzz(func(t *testing.T, said string) {
		got := s.Clean(said, m)
		if len(got) > 4000 || !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return r < ' ' || r >= 0x7f && r <= 0x9f || r == 0x2028 || r == 0x202e }) {
			t.Fatalf("%q became %q", said, got)
		}
		for _, canary := range []string{"canary-password", "tok-0123456789abcdef", "ann@x.test"} {
			if strings.Contains(strings.ToLower(got), canary) {
				t.Fatalf("%q became %q", said, got)
			}
		}
	})
}
