package account

import (
	"strings"
	"testing"
)

// Whoever was shut out stays shut out, however the file says so; what says neither yes nor no is guessed by nobody.
func TestImportedShutOut(t *testing.T) {
	for said, want := range map[string]string{
		"yes": "out", "YES": "out", "y": "out", "true": "out", "T": "out", "1": "out", "on": "out", "x": "out", "X": "out",
		"": "in", "no": "in", "N": "in", "False": "in", "f": "in", "0": "in", "off": "in",
		"gesperrt": "refused", "2": "refused", "-": "refused",
	} {
		all, err := readCSV([]byte("email,disabled\nann@example.org,"+said+"\n"), new(importReport))
		if got := cameAs(all, err, "line 2: disabled is"); got != want {
			t.Errorf("CSV, disabled = %q: %s, %v; want %s", said, got, err, want)
		}
	}
	for active, want := range map[string]string{
		"": "in", `"is_active": true,`: "in", `"is_active": 1,`: "in", `"is_active": "True",`: "in",
		`"is_active": false,`: "out", `"is_active": 0,`: "out", `"is_active": "False",`: "out", `"is_active": "0",`: "out", `"is_active": "f",`: "out",
		`"is_active": null,`: "refused", `"is_active": 2,`: "refused", `"is_active": "",`: "refused", `"is_active": [true],`: "refused",
	} {
		all, err := readDjango([]byte(`[{"model":"auth.user","pk":7,"fields":{`+active+`"password":"!","email":"ann@example.org"}}]`), new(importReport))
		if got := cameAs(all, err, "auth.user 7: is_active is"); got != want {
			t.Errorf("Django, %s: %s, %v; want %s", active, got, err, want)
		}
	}
	all, err := readDjango([]byte(`[{"model":"auth.user","pk":7,"fields":{"is_superuser":"True","password":"!","email":"ann@example.org"}}]`), new(importReport))
	if err != nil || len(all) != 1 || !all[0].super {
		t.Errorf("a superuser came as %+v, %v", all, err)
	}
	if _, err := readDjango([]byte(`[{"model":"auth.user","pk":7,"fields":{"is_superuser":"perhaps","password":"!","email":"ann@example.org"}}]`), new(importReport)); err == nil {
		t.Error("perhaps a superuser is taken")
	}
}

func cameAs(all []arrival, err error, refusal string) string {
	switch {
	case err != nil && strings.HasPrefix(err.Error(), refusal):
		return "refused"
	case err != nil || len(all) != 1:
		return "something else"
	case all[0].disabled:
		return "out"
	}
	return "in"
}

// A name counts by its characters, as in the forms: scripts of three bytes a letter are no longer than others.
func TestImportedName(t *testing.T) {
	for name, want := range map[string]bool{strings.Repeat("名", 80): true, strings.Repeat("名", 81): false, strings.Repeat("a", 81): false, "a\x00b": false, "a\xffb": false} {
		var report importReport
		all, err := readCSV([]byte("email,name\nann@example.org,"+name+"\n"), &report)
		if taken := len(all) == 1 && all[0].name == name; err != nil || taken != want || taken == (len(report.Skipped) == 1) {
			t.Errorf("%q is taken: %v, want %v (%v, %v)", name, taken, want, report.Skipped, err)
		}
	}
}
