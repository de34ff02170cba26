package form_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/secret"
)

func TestTexts(t *testing.T) {
	type texts struct {
		One   string        `form:"max=10,min=2"`
		Lines string        `form:"lines,max=10"`
		Pass  secret.String `form:"password,max=10"`
	}
	for _, c := range []struct{ name, body, field, want, problem string }{
		{"tab", "One=a%09b", "One", "a\tb", ""},
		{"DEL", "One=a%7Fb", "One", "", form.MsgControl},
		{"C1", "One=a%C2%9Bb", "One", "", form.MsgControl},
		{"NEL", "One=a%C2%85b", "One", "", form.MsgControl},
		{"line separator in one line", "One=a%E2%80%A8b", "One", "", form.MsgLineBreak},
		{"paragraph separator in lines", "Lines=a%E2%80%A9b", "Lines", "a\u2029b", ""},
		{"no-break space inside", "One=a%C2%A0b", "One", "a\u00a0b", ""},
		{"no-break space outside", "One=%C2%A0ab%C2%A0", "One", "ab", ""},
		{"line break outside", "One=ab%0D%0A", "One", "ab", ""},
		{"too short", "One=a", "One", "", form.MsgTooShort},
		{"empty is not too short", "One=", "One", "", ""},
		{"overlong UTF-8", "One=%C0%AE%C0%AE", "One", "", form.MsgEncoding},
		{"cut UTF-8", "One=aa%E2%82", "One", "", form.MsgEncoding},
		{"beyond Unicode", "One=%F4%90%80%80", "One", "", form.MsgEncoding},
		{"encoding before length", "One=%FFaaaaaaaaaaaaaaaaaaaaa", "One", "", form.MsgEncoding},
		{"trimmed before it is measured", "One=" + strings.Repeat("+", 50) + "ab", "One", "ab", ""},
		{"ESC in lines", "Lines=a%1Bb", "Lines", "", form.MsgControl},
		{"CR and LF apart", "Lines=a%0D%0D%0Ab%0Ac", "Lines", "a\n\nb\nc", ""},
		{"ten with line breaks", "Lines=12%0D%0A4%0D%0A6%0D%0A890", "Lines", "12\n4\n6\n890", ""},
		{"eleven with line breaks", "Lines=12%0D%0A4%0D%0A6%0D%0A8901", "Lines", "", form.MsgTooLong},
		{"password verbatim", "Pass=%09x%0D%0A+", "Pass", "\tx\r\n ", ""},
		{"password with NUL", "Pass=a%00", "Pass", "", form.MsgControl},
		{"password not text", "Pass=%FF", "Pass", "", form.MsgEncoding},
		{"password too long", "Pass=12345678901", "Pass", "", form.MsgTooLong},
	} {
		f, _ := bind[texts](t, c.body)
		v, ok := f.Value()
		got := map[string]string{"One": v.One, "Lines": v.Lines, "Pass": v.Pass.Reveal()}[c.field]
		if got != c.want || f.ProblemID(c.field) != c.problem || ok != (c.problem == "") {
			t.Errorf("%s: got %q, %q, want %q, %q", c.name, got, f.ProblemID(c.field), c.want, c.problem)
		}
	}
}

func TestAddresses(t *testing.T) {
	type addresses struct {
		Mail string `form:"email"`
		Site string `form:"url,max=100"`
	}
	for _, c := range []struct {
		field, value string
		ok           bool
	}{
		{"Mail", "a@b", true}, {"Mail", "o'brien@x-y.example", true}, {"Mail", "a.b.@x.test", true},
		{"Mail", "@b", false}, {"Mail", "a@", false}, {"Mail", "a b@c.test", false}, {"Mail", "a@-b.test", false}, {"Mail", "a@b-.test", false}, {"Mail", "a@b..test", false},
		{"Mail", "a@b.test.", false}, {"Mail", "a@[127.0.0.1]", false}, {"Mail", "Ann <a@b.test>", false}, {"Mail", `"a b"@c.test`, false}, {"Mail", "a@b.test>", false}, {"Mail", "ä@b.test", false},
		{"Mail", "a@bü.test", false}, {"Mail", "a%b@c.test", true}, {"Mail", strings.Repeat("a", 65) + "@b.test", false}, {"Mail", "a@" + strings.Repeat("b", 64) + ".test", false}, {"Mail", "a@b_c.test", false},
		{"Site", "http://x.test", true}, {"Site", "HTTPS://X.test/A?b#c", true}, {"Site", "https://[::1]:80/", true}, {"Site", "https://bücher.test/ä", true}, {"Site", "https://x.test:8443", true},
		{"Site", "https://u@x.test", false}, {"Site", "https://u:p@x.test", false}, {"Site", `https://x.test\@evil.test`, false}, {"Site", `https:\\x.test`, false}, {"Site", "https:x.test", false},
		{"Site", "https:///x.test", false}, {"Site", "https:/x.test", false}, {"Site", "https://", false}, {"Site", "//x.test", false}, {"Site", "x.test", false}, {"Site", "https://x.test:99999", false},
		{"Site", "https://x.test:8o", false}, {"Site", "https://x%2etest/", false}, {"Site", "https://x.test y", false}, {"Site", `https://x.test/a\b`, false}, {"Site", "https://x.test/a b", false}, {"Site", "vbscript:x", false}, {"Site", "ftp://x.test", false}, {"Site", "https://%00", false},
		{"Site", "https://x<y.test", false}, {"Site", "https://?x", false}, {"Site", "https://:80", false}, {"Site", "view-source:https://x.test", false}, {"Site", "https://x.test;y", false},
	} {
		b, err := form.Parse(postAs("multipart/form-data; boundary=X", parts("--X", `Content-Disposition: form-data; name="`+c.field+`"`, "", c.value, "--X--")), form.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		f, _ := form.Bind[addresses](b, nil)
		if _, ok := f.Value(); ok != c.ok {
			t.Errorf("%s %q: got %v (%s), want %v", c.field, c.value, ok, f.ProblemID(c.field), c.ok)
		}
	}
}

func TestNumbers(t *testing.T) {
	type numbers struct {
		I   int      `form:""`
		I8  int8     `form:"min=-5"`
		U   uint     `form:"max=9"`
		U64 uint64   `form:""`
		F   float64  `form:""`
		F32 float32  `form:"max=2.5"`
		L   []uint16 `form:"max_items=3,max=500"`
	}
	for _, c := range []struct {
		field, value string
		want         any
		problem      string
	}{
		{"I", "9223372036854775807", 9223372036854775807, ""}, {"I", "-9223372036854775808", -9223372036854775808, ""}, {"I", "9223372036854775808", 0, form.MsgNumber},
		{"I", "007", 7, ""}, {"I", "-0", 0, ""}, {"I", "-", 0, form.MsgNumber}, {"I", "--1", 0, form.MsgNumber}, {"I", "1_000", 0, form.MsgNumber}, {"I", "0b1", 0, form.MsgNumber},
		{"I8", "-5", int8(-5), ""}, {"I8", "-6", int8(0), form.MsgTooSmall}, {"I8", "127", int8(127), ""}, {"I8", "128", int8(0), form.MsgTooLarge},
		{"U", "9", uint(9), ""}, {"U", "10", uint(0), form.MsgTooLarge}, {"U", "-1", uint(0), form.MsgTooSmall}, {"U", "-0", uint(0), ""}, {"U", "-x", uint(0), form.MsgNumber},
		{"U64", "18446744073709551615", uint64(18446744073709551615), ""}, {"U64", "18446744073709551616", uint64(0), form.MsgNumber},
		{"F", "-0.25", -0.25, ""}, {"F", ".5", 0.5, ""}, {"F", "5.", 0.0, form.MsgNumber}, {"F", ".", 0.0, form.MsgNumber}, {"F", "1.2.3", 0.0, form.MsgNumber}, {"F", "1e3", 0.0, form.MsgNumber},
		{"F", "0x1p-2", 0.0, form.MsgNumber}, {"F", strings.Repeat("9", 400), 0.0, form.MsgTooLarge}, {"F", "-" + strings.Repeat("9", 400), 0.0, form.MsgTooSmall}, {"F", "infinity", 0.0, form.MsgNumber},
		{"F32", "2.5", float32(2.5), ""}, {"F32", "2.500001", float32(0), form.MsgTooLarge}, {"F32", "-" + strings.Repeat("9", 50), float32(0), form.MsgTooSmall},
		{"L", "500", []uint16{500}, ""}, {"L", "501", []uint16(nil), form.MsgTooLarge}, {"L", "x", []uint16(nil), form.MsgNumber}, {"L", "", []uint16(nil), ""},
	} {
		f, _ := bind[numbers](t, c.field+"="+c.value)
		v, ok := f.Value()
		got := reflect.ValueOf(v).FieldByName(c.field).Interface()
		if !reflect.DeepEqual(got, c.want) || f.ProblemID(c.field) != c.problem || ok != (c.problem == "") {
			t.Errorf("%s=%.30s: got %v, %q, want %v, %q", c.field, c.value, got, f.ProblemID(c.field), c.want, c.problem)
		}
	}
}

func TestDates(t *testing.T) {
	type dates struct {
		Day time.Time `form:"date,min=2026-01-01,max=2026-12-31"`
		At  time.Time `form:"datetime"`
		Txt string    `form:"datetime,min=2026-01-01T10:00"`
	}
	f, _ := bind[dates](t, "Day=2026-02-28&At=2026-02-28T12:30:15&Txt=2026-01-01T10:00")
	v, ok := f.Value()
	if !ok || !v.Day.Equal(time.Date(2026, 2, 28, 0, 0, 0, 0, time.UTC)) || !v.At.Equal(time.Date(2026, 2, 28, 12, 30, 15, 0, time.UTC)) || v.Txt != "2026-01-01T10:00" {
		t.Errorf("got %v, %v", v, ok)
	}
	if f, _ := bind[dates](t, ""); !f.Sent() || f.Failed() {
		t.Error("absent dates are a problem")
	}
	for _, c := range []struct{ field, value, problem string }{
		{"Day", "2025-12-31", form.MsgTooEarly}, {"Day", "2027-01-01", form.MsgTooLate}, {"Day", "0000-01-01", form.MsgDate}, {"Day", " 2026-01-01", form.MsgDate}, {"Day", "2026-01-01T00:00", form.MsgDate}, {"Day", "２026-01-01", form.MsgDate},
		{"At", "2026-02-28 12:30", form.MsgDateTime}, {"At", "2026-02-28T24:00", form.MsgDateTime}, {"At", "2026-02-28T12:30Z", form.MsgDateTime}, {"At", "2026-02-28T12:30:61", form.MsgDateTime}, {"At", "2026-02-28T1:30", form.MsgDateTime}, {"At", "2026-02-28T12:30:15.5", form.MsgDateTime},
		{"Txt", "2026-01-01T09:59", form.MsgTooEarly},
	} {
		f, _ := bind[dates](t, c.field+"="+strings.ReplaceAll(c.value, " ", "+"))
		if got := f.ProblemID(c.field); got != c.problem {
			t.Errorf("%s=%s: got %q, want %q", c.field, c.value, got, c.problem)
		}
	}
}

func TestLists(t *testing.T) {
	type lists struct {
		Tags   []string `form:"required,max=5,max_items=2"`
		Colors []string `form:"choices=red|green,max_items=2"`
	}
	f, _ := bind[lists](t, "Tags=&Tags=+a+&Tags=&Tags=b&Colors=green&Colors=red")
	if v, ok := f.Value(); !ok || !reflect.DeepEqual(v, lists{[]string{"a", "b"}, []string{"green", "red"}}) {
		t.Errorf("got %q, %v: empty boxes are not values", v, ok)
	}
	if !f.Has("Colors", "red") || f.Has("Colors", "blue") || f.Has("Nothing", "") || f.Raw("Colors") != "green" {
		t.Error("Has or Raw of a list is wrong")
	}
	for body, want := range map[string]string{"Tags=a&Tags=b&Tags=c": form.MsgTooMany, "Tags=+": form.MsgRequired, "": form.MsgRequired, "Tags=a&Tags=%00": form.MsgControl} {
		if f, _ := bind[lists](t, body); f.ProblemID("Tags") != want {
			t.Errorf("%s: got %q, want %q", body, f.ProblemID("Tags"), want)
		}
	}
	if f, _ := bind[lists](t, "Tags=a&Colors=blue"); f.ProblemID("Colors") != form.MsgChoice {
		t.Error("a list of choices takes any value")
	}
}
