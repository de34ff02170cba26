package backup

import (
	"errors"
	"fmt"
	"html"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/merlon-web/merlon"
)

// A KitLineError is a line of a kit that cannot be what was printed.
type KitLineError struct {
	Line int // from 1
	Why  error
}

// Error implements error. It repeats nothing of the line, which may hold a secret.
func (e *KitLineError) Error() string {
	return fmt.Sprintf("backup: line %d of the kit: %v: compare it with the sheet, or take the line out and give the setting by itself", e.Line, e.Why)
}

// Unwrap returns why.
func (e *KitLineError) Unwrap() error { return e.Why }

var (
	kitAddress = regexp.MustCompile(`^[a-z][a-z0-9+.-]*://\S+$`)
	kitName    = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._-]{0,39}$`)
	kitRow     = regexp.MustCompile(`^<dt>(Target|Site|Setting)</dt><dd><code>(.*)</code></dd>$`) // of the page
)

// ParseKit reads what the kit's code holds, or the kit's text or page: the key, and address, site and settings of the place if they are
// there. A line of a setting that cannot be one is a [*KitLineError], and nothing is returned then: a setting that is passed over
// in silence would lead elsewhere.
func ParseKit(text string) (*Kit, error) {
	key, err := ParseRecovery(text)
	if err != nil {
		return nil, err
	}
	k := &Kit{recovery: key}
	n := 0
	for line := range strings.Lines(unfold(text)) {
		n++
		line = strings.TrimSpace(line)
		if m := kitRow.FindStringSubmatch(line); m != nil {
			line = m[1] + " " + html.UnescapeString(m[2])
		}
		label, word := "", line
		if at := strings.IndexFunc(line, unicode.IsSpace); at >= 0 {
			label, word = strings.ToLower(line[:at]), strings.TrimSpace(line[at:])
		}
		switch {
		case label == "setting" || label == "" && strings.EqualFold(word, "setting"):
			name, value, err := parseKitSetting(word)
			if _, there := k.Options[name]; err == nil && there {
				err = fmt.Errorf("the setting %s stands there twice", name)
			}
			if err != nil {
				return nil, &KitLineError{n, err}
			}
			if k.Options == nil {
				k.Options = Settings{}
			}
			k.Options[name] = value
		case k.Target == "" && (label == "" || label == "target") && kitAddress.MatchString(word):
			k.Target = word
		case k.Site == "" && (label == "" || label == "site") && siteShape.MatchString(word):
			k.Site = word
		}
	}
	return k, nil
}

// What a field of one line makes of a kit: browsers drop the ends of its lines.
var (
	foldedCode = regexp.MustCompile(`^(merlon-recovery 1)(` + recoveryPrefix + `[0-9A-Z]{58})([a-z][a-z0-9+.-]*://\S+?)([0-9a-f]{16})((?:setting   .*)?)$`)
	foldedText = regexp.MustCompile(`target    |site      |setting   |made      `)
)

// unfold gives a kit that was pasted into a field of one line its lines back.
func unfold(text string) string {
	if strings.Contains(strings.TrimSpace(text), "\n") {
		return text
	}
	if m := foldedCode.FindStringSubmatch(strings.TrimSpace(text)); m != nil {
		text = strings.Join(m[1:], "\n")
	}
	return foldedText.ReplaceAllString(text, "\n$0")
}

func parseKitSetting(text string) (name, value string, err error) {
	name, value, ok := strings.Cut(text, "=")
	if !ok {
		return "", "", errors.New("a setting is NAME=VALUE, and this one has no =")
	}
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	return name, value, kitSetting(name, value)
}

// secretWords are in the names of settings that would hold a secret. A setting that names the file of one ends with -file.
var secretWords = []string{"password", "passphrase", "passwd", "secret", "token", "access-key", "private-key", "session-key"}

func secretName(name string) bool {
	name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
	return !strings.HasSuffix(name, "-file") && slices.ContainsFunc(secretWords, func(w string) bool { return strings.Contains(name, w) })
}

// kitSettings is kitSetting for all of them.
func kitSettings(s Settings) error {
	for _, name := range sortedNames(s) {
		if err := kitSetting(name, s[name]); err != nil {
			return fmt.Errorf("backup: the kit cannot hold the setting %.40q: %w", name, err)
		}
	}
	return nil
}

// kitSetting says why a setting stands in no kit, neither written nor read.
func kitSetting(name, value string) error {
	switch {
	case !kitName.MatchString(name):
		return errors.New("the name of a setting has letters, digits, dots and dashes, 40 at most")
	case secretName(name):
		return fmt.Errorf("%s would be a secret, and none stands in a kit: put it into a file, and name that", name)
	case !utf8.ValidString(value) || strings.ContainsFunc(value, func(r rune) bool { return !unicode.IsPrint(r) }):
		return fmt.Errorf("the value of %s has a character that cannot be printed", name)
	case strings.TrimSpace(value) != value:
		return fmt.Errorf("the value of %s begins or ends with a space, which nobody sees on paper", name)
	}
	return nil
}

// settled are the settings by which a place is opened, and where they come from.
type settled struct {
	options Settings    // by which it is opened
	named   Settings    // those that the owner named, now or on the kit; nil: none
	kit     Settings    // those that come from the kit
	differ  [][3]string // name, what is used, what the kit says
	unused  bool        // the kit's are those of another place
}

// with decides on the settings of a place. What was given now goes before everything; behind it come those of a data folder that
// backs up to this place (nil: there is none), which are newer than any sheet, else those of the kit, which are of the kit's own address.
func (k key) with(address string, given, own Settings) (s settled) {
	kit := k.options
	if len(kit) > 0 && address != k.target {
		kit, s.unused = nil, true
	}
	s.named = given.over(kit)
	s.options = s.named
	if own != nil {
		s.options = given.over(own)
	}
	for _, name := range sortedNames(kit) {
		_, now := given[name]
		switch used := s.options[name]; {
		case used != kit[name]:
			s.differ = append(s.differ, [3]string{name, used, kit[name]})
		case own == nil && !now:
			s.kit = Settings{name: used}.over(s.kit)
		}
	}
	return s
}

// over lays settings over others: a name with nothing behind it takes one away.
func (s Settings) over(others Settings) Settings {
	if s == nil {
		return others
	}
	all := Settings{}
	maps.Copy(all, others)
	maps.Copy(all, s)
	maps.DeleteFunc(all, func(_, value string) bool { return value == "" })
	return all
}

// tell says on which settings of the kit a restore goes.
func (s settled) tell(out io.Writer, k key) {
	if s.unused {
		fmt.Fprintf(out, "WARN    the settings of the kit are those of %s and are not used: give those of this place by --set\n", k.target)
	}
	for _, d := range s.differ {
		used := d[0] + "=" + d[1]
		if d[1] == "" {
			used = "no " + d[0]
		}
		fmt.Fprintf(out, "WARN    %s is used; the kit says %s=%s\n", used, d[0], d[2])
	}
	if len(s.kit) > 0 {
		fmt.Fprintf(out, "by the kit  %s\n", s.kit.line())
	}
}

// explain adds to what is wrong with the settings of a place which of them came from the kit.
func (s settled) explain(err error) error {
	if err == nil || len(s.kit) == 0 || !errors.Is(err, ErrAddress) && !errors.Is(err, merlon.ErrUsage) {
		return err
	}
	return fmt.Errorf("%w\n  from the kit: %s: where that is another here, say so: --set NAME=VALUE; NAME= leaves one out", err, s.kit.line())
}

// line tells settings for people, in the order of their names.
func (s Settings) line() string {
	var all []string
	for _, name := range sortedNames(s) {
		all = append(all, name+"="+s[name])
	}
	return strings.Join(all, " ")
}
