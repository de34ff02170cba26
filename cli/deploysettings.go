package cli

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/merlon-web/merlon/internal/setting"
)

// settingsFile is a merlon.toml with every key, what it is and what holds without it: those that are set stand as they are,
// all others are comments.
func settingsFile(name string, set *settings) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s of %s, in the folder in which its program is started: what `serve --production` and\n# `check --deploy` read. Take the sign # from what you set. No password is written here.\n", settingsName, name)
	values := map[string]string{}
	each(reflect.ValueOf(set).Elem(), func(key string, v reflect.Value) { values[key] = written(v) })
	last := ""
	for _, s := range setting.Settings {
		table, key, _ := strings.Cut(string(s.Key), ".")
		if table != last {
			fmt.Fprintf(&b, "\n[%s]\n", table)
			last = table
		} else {
			b.WriteString("\n")
		}
		comment(&b, s.Means+".")
		comment(&b, "Left out: "+s.Default+". Variable: "+s.Key.Variable())
		if v := values[string(s.Key)]; v != "" {
			fmt.Fprintf(&b, "%s = %s\n", key, v)
		} else {
			fmt.Fprintf(&b, "#%s = %s\n", key, s.Example)
		}
	}
	return b.String()
}

// comment writes a text as lines of at most 98 characters.
func comment(b *strings.Builder, text string) {
	line := "#"
	for word := range strings.FieldsSeq(text) {
		if len(line)+1+len(word) > 98 {
			b.WriteString(line + "\n")
			line = "#"
		}
		line += " " + word
	}
	b.WriteString(line + "\n")
}

// written is a value as TOML has it, "" where nothing is set.
func written(v reflect.Value) string {
	switch v := v.Interface().(type) {
	case string:
		if v != "" {
			return tomlText(v)
		}
	case []string:
		var all []string
		for _, one := range v {
			all = append(all, tomlText(one))
		}
		if len(all) > 0 {
			return "[" + strings.Join(all, ", ") + "]"
		}
	case period:
		if v != 0 {
			return tomlText(time.Duration(v).String())
		}
	case size:
		if v != 0 {
			return tomlText(v.String())
		}
	}
	return ""
}

// tomlText is a basic string of TOML (1.0.0, "String").
func tomlText(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\\' || r == '"':
			b.WriteRune('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return `"` + b.String() + `"`
}
