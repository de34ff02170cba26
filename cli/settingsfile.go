package cli

import (
	"encoding"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/internal/setting"
)

// typed are the settings as they were typed, and all that is wrong with them: whoever mends a file mends it once.
type typed struct {
	settings
	path   string
	at     map[string]string // where a key was typed: merlon.toml:3, or the variable
	faults []settingFault
}

// A settingFault is one thing that is wrong: the key, "" for a variable that is none, and the whole sentence.
type settingFault struct{ key, says string }

// typedSettings reads the file, if it is there, and lays the environment over it.
func typedSettings(path string, environ []string) (*typed, error) {
	t := &typed{path: path, at: map[string]string{}}
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, exit(ExitCannot, "%s cannot be read: %w", path, err)
	default:
		if err := t.file(string(text)); err != nil {
			return nil, err
		}
	}
	t.environment(environ)
	return t, nil
}

// err is all that is wrong, a line each.
func (t *typed) err() error {
	var lines []string
	for _, f := range t.faults {
		lines = append(lines, f.says+"  "+RuleSettingsFile.ID)
	}
	if len(lines) == 0 {
		return nil
	}
	return exit(ExitFailed, "%s", strings.Join(lines, "\n"))
}

func (t *typed) fault(key, format string, args ...any) {
	t.faults = append(t.faults, settingFault{key, fmt.Sprintf(format, args...)})
}

// wrong reports whether something is wrong with a key itself: then nothing follows from it.
func (t *typed) wrong(key string) bool {
	return slices.ContainsFunc(t.faults, func(f settingFault) bool { return f.key == key })
}

// where is the place at which a key was typed, or would be.
func (t *typed) where(key string) string {
	if at := t.at[key]; at != "" {
		return at
	}
	return t.path
}

// located takes any value of a file and gives it back by an error, which is what the library tells lines by.
type located struct{ value any }

// UnmarshalTOML implements [toml.Unmarshaler].
func (l *located) UnmarshalTOML(value any) error {
	l.value = value
	return errLocated
}

var errLocated = errors.New("located")

// locate returns the value of a key, and the line where that was written.
func locate(meta *toml.MetaData, top map[string]toml.Primitive, key toml.Key) (value any, line int) {
	for _, name := range key[:len(key)-1] {
		inside := map[string]toml.Primitive{}
		_ = meta.PrimitiveDecode(top[name], &inside) // what is no table has nothing inside
		top = inside
	}
	var l located
	var at toml.ParseError
	if errors.As(meta.PrimitiveDecode(top[key[len(key)-1]], &l), &at) {
		line = at.Position.Line
	}
	return l.value, line
}

// file reads the file's text. Only a text that is no TOML is an error: what follows it was not read.
func (t *typed) file(text string) error {
	var top map[string]toml.Primitive
	meta, err := toml.Decode(text, &top)
	var place toml.ParseError
	if errors.As(err, &place) {
		return exit(ExitFailed, "%s:%d: %s: correct the line  %s", t.path, place.Position.Line, place.Message, RuleSettingsFile.ID)
	}
	if err != nil {
		return exit(ExitFailed, "%s: %w  %s", t.path, err, RuleSettingsFile.ID)
	}
	known, tables := t.known()
	seen := map[string]bool{}
	for _, whole := range meta.Keys() { // in the order of the file; one that is written with more points than it has is told of, too
		key := whole[:1]
		if tables[whole[0]] {
			key = whole[:min(len(whole), 2)]
		}
		name := key.String()
		if seen[name] || len(key) == 2 && t.wrong(key[0]) {
			continue
		}
		seen[name] = true
		value, _ := locate(&meta, top, key)
		_, line := locate(&meta, top, whole)
		at := fmt.Sprintf("%s:%d", t.path, line)
		if len(key) == 2 {
			t.at[name] = at
		}
		v, read := known[name]
		switch {
		case tables[name]:
			if named(value) != aTable {
				t.fault(name, "%s: %s is a table: write [%s], and its keys below", at, name, name)
			}
		case !read:
			t.nobody(whole.String(), at)
		default:
			if problem := put(v, key[1], value); problem != "" {
				t.fault(name, "%s: %s %s", at, name, problem)
			}
		}
	}
	return nil
}

// nobody tells of a key that nothing reads.
func (t *typed) nobody(key, at string) {
	t.fault(key, "%s: nothing reads %s: a setting that is misspelled protects nobody%s", at, key, nearestKey(key))
}

// known are the keys with the places of their values, and the tables.
func (t *typed) known() (known map[string]reflect.Value, tables map[string]bool) {
	known, tables = map[string]reflect.Value{}, map[string]bool{}
	each(reflect.ValueOf(&t.settings).Elem(), func(name string, v reflect.Value) {
		known[name] = v
		table, _, _ := strings.Cut(name, ".")
		tables[table] = true
	})
	return known, tables
}

// put gives a setting a value of the file, or says what it takes instead.
func put(v reflect.Value, key string, value any) (problem string) {
	switch p := v.Addr().Interface().(type) {
	case *string:
		text, ok := value.(string)
		if !ok {
			return fmt.Sprintf("takes a text, and %s: %s", named(value), inQuotes(key, value))
		}
		*p = text
	case *[]string:
		all, ok := value.([]any)
		if text, one := value.(string); one {
			return fmt.Sprintf("takes a list of texts, and a text is written: write it in brackets: %s = [%s]", key, tomlText(text))
		}
		if !ok {
			return fmt.Sprintf("takes a list of texts, and %s: write %s = [\"…\"]", named(value), key)
		}
		*p = nil
		for _, one := range all {
			text, ok := one.(string)
			if !ok {
				return fmt.Sprintf("takes a list of texts, and in it %s: write each in quotes: [\"…\"]", named(one))
			}
			*p = append(*p, text)
		}
	case encoding.TextUnmarshaler: // a time, a size
		if err := p.UnmarshalText([]byte(fmt.Sprint(value))); err != nil {
			return err.Error()
		}
	}
	return ""
}

const aTable = "a table is written"

// named says what stands where something else belongs.
func named(value any) string {
	switch value.(type) {
	case int64, float64:
		return fmt.Sprintf("%v, a number, is written", value)
	case bool:
		return fmt.Sprintf("%v, a word without quotes, is written", value)
	case []any, []map[string]any:
		return "a list is written"
	case map[string]any:
		return aTable
	}
	return "a time is written"
}

// inQuotes is what to do about a value that is no text.
func inQuotes(key string, value any) string {
	switch value.(type) {
	case int64, float64, bool:
		return fmt.Sprintf("write it in quotes: %s = %s", key, tomlText(fmt.Sprint(value)))
	}
	return fmt.Sprintf(`write one text in quotes: %s = "…"`, key)
}

func nearestKey(key string) string {
	var known []string
	each(reflect.ValueOf(&settings{}).Elem(), func(name string, _ reflect.Value) { known = append(known, name) })
	if n, ok := check.Nearest(key, known); ok {
		return ": did you mean " + n + "?"
	}
	return ": the keys are " + strings.Join(known, ", ")
}

// each calls f for each key, "site.host".
func each(v reflect.Value, f func(name string, v reflect.Value)) {
	for table, field := range v.Fields() {
		for key, value := range field.Fields() {
			f(table.Tag.Get("toml")+"."+key.Tag.Get("toml"), value)
		}
	}
}

// environment lays the variables MERLON_TABLE_KEY over what the file says. Those of the table's names that are no key are
// faults as in the file; other variables are nobody's business here.
func (t *typed) environment(environ []string) {
	known, tables := t.known()
	keys := map[string]string{} // by variable
	for key := range known {
		keys[setting.Key(key).Variable()], keys[setting.Key(key).Long()] = key, key
	}
	for _, line := range environ {
		name, value, _ := strings.Cut(line, "=")
		key, ok := keys[name]
		if !ok {
			t.strange(name, slices.Sorted(maps.Keys(keys)), tables)
			continue
		}
		t.at[key] = name
		switch p := known[key].Addr().Interface().(type) {
		case *string:
			*p = value
		case *[]string:
			*p = nil
			for one := range strings.SplitSeq(value, ",") {
				if one = strings.TrimSpace(one); one != "" {
					*p = append(*p, one)
				}
			}
		case encoding.TextUnmarshaler: // a time, a size
			if err := p.UnmarshalText([]byte(value)); err != nil {
				t.fault(key, "%s %v", name, err)
			}
		}
	}
}

// strange tells of a variable that looks like a setting and is none.
func (t *typed) strange(name string, known []string, tables map[string]bool) {
	if slices.Contains(passwords, name) {
		return
	}
	for table := range tables {
		if strings.HasPrefix(name, setting.Key(table).Long()+"_") {
			hint := ""
			if n, ok := check.Nearest(name, known); ok {
				hint = ": did you mean " + n + "?"
			}
			t.fault("", "nothing reads the variable %s: a setting that is misspelled protects nobody%s", name, hint)
			return
		}
	}
}
