package attack

import (
	"fmt"
	"math/big"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/html"
)

// A limit is what a control says of the values that it takes (WHATWG HTML 4.10.5.3). Where it says nothing a part is empty.
type limit struct {
	min, max, step, pattern string
	shortest, longest       int // in UTF-16 units, which are bytes of what is typed here; longest 0: no end
}

func limitOf(n *html.Node) limit {
	l := limit{min: attr(n, "min"), max: attr(n, "max"), step: attr(n, "step"), pattern: attr(n, "pattern")}
	l.shortest, l.longest = length(attr(n, "minlength")), length(attr(n, "maxlength"))
	return l
}

func length(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > 1<<20 {
		return 0
	}
	return n
}

// filled is what a browser would send when somebody types text into every field that takes some, within what each control
// says of its values: a form whose limits refuse what is typed hides all that lies behind it.
func (f *form) filled(text string) url.Values {
	v := url.Values{}
	for _, d := range f.fields {
		switch d.kind {
		case "text", "search", "tel", "textarea":
			v.Set(d.name, d.limit.text(text))
		case "password":
			v.Set(d.name, d.limit.cut("Aa1!"+text+"-long-enough"))
		case "email":
			v.Set(d.name, d.limit.first(mark.FindString(text+"mq0")+"@attack.invalid", mark.FindString(text+"mq0")+"@a.invalid", "m@a.invalid"))
		case "url":
			v.Set(d.name, d.limit.first("https://attack.invalid/"+url.PathEscape(text), "https://a.invalid/"+url.PathEscape(text), "https://a.invalid/"))
		case "number", "range", "date", "time", "datetime-local", "month", "week":
			v.Set(d.name, measures[d.kind].within(d))
		case "color":
			v.Set(d.name, "#336699")
		case "select":
			for _, o := range d.options {
				if o != "" {
					v.Set(d.name, o)
				}
			}
		case "radio":
			v.Set(d.name, d.value)
		case "checkbox":
			v.Add(d.name, d.value)
		case "button", "submit":
			v.Set(d.name, d.value)
		case "file", "image", "reset":
		default:
			v.Set(d.name, d.value)
		}
	}
	for _, known := range []map[string]string{f.fixed, f.typed} {
		for name, value := range known {
			v.Set(name, value)
		}
	}
	return v
}

// takes reports whether a text is within a control's lengths and of its pattern.
func (l limit) takes(s string) bool {
	return len(s) >= l.shortest && (l.longest == 0 || len(s) <= l.longest) && (l.pattern == "" || l.fits(s))
}

// first is the first of these that the control takes; none: one that its pattern makes, or the first as it is.
func (l limit) first(wishes ...string) string {
	for _, s := range wishes {
		if l.takes(s) {
			return s
		}
	}
	if made, ok := l.made(); ok {
		return made
	}
	return wishes[0]
}

// text is a text as the control takes it, with as much of it as there is room for: its end, which tells a mark from another.
func (l limit) text(s string) string {
	short := l.cut(s)
	if l.longest > 0 && len(s) > l.longest {
		short = s[len(s)-l.longest:]
	}
	digits := strings.TrimLeft(mark.FindString(s), "mq")
	return l.first(short, strings.ToUpper(short), l.digits(digits), short)
}

// digits are a number as long as the control wants it.
func (l limit) digits(s string) string {
	if len(s) < l.shortest {
		s = strings.Repeat("0", l.shortest-len(s)) + s
	}
	if l.longest > 0 && len(s) > l.longest {
		s = s[len(s)-l.longest:]
	}
	return s
}

// more is what a text is made longer by; no space, since one at an end is often not counted.
const more = "-and-some-more-words-for-it"

// longer is a text with as much behind it as the control wants.
func (l limit) longer(s string) string {
	for len(s) < l.shortest {
		s += more[:min(len(more), l.shortest-len(s))]
	}
	return s
}

// cut is the beginning of a text, or the text made longer, so that it is within the control's lengths.
func (l limit) cut(s string) string {
	s = l.longer(s)
	if l.longest > 0 && len(s) > l.longest {
		s = s[:l.longest]
	}
	return s
}

func (l limit) fits(s string) bool {
	whole, err := regexp.Compile("^(?:" + l.pattern + ")$")
	return err != nil || whole.MatchString(s) // what only browsers can read is left to the site
}

// A measure is a kind of value that is counted: in which steps, and how it is written.
type measure struct {
	wish  string // what is typed where nothing speaks against it
	step  int64  // in units, where the control names none
	scale int64  // units in one of the steps that controls name
	read  func(string) (*big.Rat, bool)
	write func(*big.Rat) string
}

var measures = map[string]measure{
	"number":         {"2", 1, 1, readNumber, writeNumber},
	"range":          {"2", 1, 1, readNumber, writeNumber},
	"date":           {"2031-02-03", 1, 1, readDays("2006-01-02", day), writeDays("2006-01-02", day)},
	"time":           {"10:00", 60, 1, readDays("15:04", time.Second), writeDays("15:04", time.Second)},
	"datetime-local": {"2031-02-03T10:00", 60, 1, readDays("2006-01-02T15:04", time.Second), writeDays("2006-01-02T15:04", time.Second)},
	"month":          {"2031-02", 1, 1, readMonth, writeMonth},
	"week":           {"2031-W06", 1, 7, readWeek, writeWeek},
}

const day = 24 * time.Hour

// within is the wished value, or the nearest one that is within the control's limits and on one of its steps.
func (m measure) within(d field) string {
	low, hasLow := m.read(d.limit.min)
	high, hasHigh := m.read(d.limit.max)
	if d.kind == "range" && !hasLow {
		low, hasLow = new(big.Rat), true
	}
	if d.kind == "range" && !hasHigh {
		high, hasHigh = big.NewRat(100, 1), true
	}
	v, _ := m.read(m.wish)
	if hasHigh && v.Cmp(high) > 0 {
		v = high
	}
	if hasLow && v.Cmp(low) < 0 {
		v = low
	}
	if d.limit.step == "any" {
		return m.write(v)
	}
	step := big.NewRat(m.step, 1)
	if named, ok := readNumber(d.limit.step); ok && named.Sign() > 0 {
		step = named.Mul(named, big.NewRat(m.scale, 1))
	} else if m.scale > 1 {
		step = big.NewRat(m.scale, 1)
	}
	base := new(big.Rat)
	if was, ok := m.read(d.value); hasLow {
		base = low
	} else if ok {
		base = was
	}
	// Down to a step, and one up where that is below the least.
	steps := new(big.Rat).Quo(new(big.Rat).Sub(v, base), step)
	whole := new(big.Int).Div(steps.Num(), steps.Denom())
	v = new(big.Rat).Add(base, new(big.Rat).Mul(new(big.Rat).SetInt(whole), step))
	if hasLow && v.Cmp(low) < 0 {
		v.Add(v, step)
	}
	return m.write(v)
}

// decimal is what controls of numbers hold, without an exponent, which could make the number as long as the memory.
var decimal = regexp.MustCompile(`^-?\d{1,30}(\.\d{1,30})?$|^-?\.\d{1,30}$`)

func readNumber(s string) (*big.Rat, bool) {
	if !decimal.MatchString(s) {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}

func writeNumber(v *big.Rat) string {
	if v.IsInt() {
		return v.Num().String()
	}
	return strings.TrimRight(v.FloatString(30), "0")
}

func readDays(layout string, unit time.Duration) func(string) (*big.Rat, bool) {
	return func(s string) (*big.Rat, bool) {
		t, err := time.Parse(layout, s[:min(len(s), len(layout))]) // seconds are not asked for
		if err != nil {
			return nil, false
		}
		if layout == "15:04" {
			return big.NewRat(int64(t.Hour()*3600+t.Minute()*60), 1), true
		}
		return big.NewRat(t.Unix()/int64(unit/time.Second), 1), true
	}
}

func writeDays(layout string, unit time.Duration) func(*big.Rat) string {
	return func(v *big.Rat) string { return time.Unix(whole(v)*int64(unit/time.Second), 0).UTC().Format(layout) }
}

func whole(v *big.Rat) int64 { return new(big.Int).Div(v.Num(), v.Denom()).Int64() }

func readMonth(s string) (*big.Rat, bool) {
	t, err := time.Parse("2006-01", s)
	return big.NewRat(int64(t.Year()*12+int(t.Month())-1), 1), err == nil
}

func writeMonth(v *big.Rat) string {
	n := int(whole(v))
	return time.Date(n/12, time.Month(n%12+1), 1, 0, 0, 0, 0, time.UTC).Format("2006-01")
}

// readWeek counts days from Monday, 1969-12-29.
func readWeek(s string) (*big.Rat, bool) {
	year, week, ok := strings.Cut(s, "-W")
	y, err := strconv.Atoi(year)
	w, bad := strconv.Atoi(week)
	if !ok || err != nil || bad != nil || y < 1 || y > 9999 || w < 1 || w > 53 {
		return nil, false
	}
	fourth := time.Date(y, 1, 4, 0, 0, 0, 0, time.UTC) // always in week 1 (ISO 8601)
	monday := fourth.AddDate(0, 0, -(int(fourth.Weekday())+6)%7+7*(w-1))
	return big.NewRat(monday.Unix()/86400+3, 1), true
}

func writeWeek(v *big.Rat) string {
	y, w := time.Unix((whole(v)-3)*86400, 0).UTC().ISOWeek()
	return fmt.Sprintf("%04d-W%02d", y, w)
}
