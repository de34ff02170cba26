package corpus_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/place"
	"github.com/merlon-web/merlon/outbound/command"
	"github.com/merlon-web/merlon/outbound/ldap"
	"github.com/merlon-web/merlon/outbound/valkey"
)

// Two ways to give a declaration a text that is no constant: a generic helper, whose type parameter is the constant's type, and
// reflection.
func select1[C ~string](f func(*db.Schema, C, ...db.Choice) *db.Select[string], text string) {
	f(schema, C(text))
}

func exec1[C ~string](f func(*db.Schema, C) *db.Statement[db.Affected], text string) {
	f(schema, C(text))
}

func lift[C ~string, R any](f func(C) R, text string) { f(C(text)) }

func lift1[C ~string, R, A any](f func(C, ...A) R, text string) { f(C(text)) }

func lift2[C ~string, R any](f func(C, ...C) R, text string) { f(C(text), C(text)) }

func reflected(f any, text string, before ...any) {
	v := reflect.ValueOf(f)
	var args []reflect.Value
	for _, b := range before {
		args = append(args, reflect.ValueOf(b))
	}
	v.Call(append(args, reflect.ValueOf(text).Convert(v.Type().In(len(args)))))
}

// TestLifted: once the site has started each way panics at each declaration that a back end has, in a process of its own: what is
// sealed stays so.
func TestLifted(t *testing.T) {
	if os.Getenv("MERLON_TEST_LIFTED") == "" {
		run := exec.Command(os.Args[0], "-test.run=^TestLifted$", "-test.v")
		run.Env = append(os.Environ(), "MERLON_TEST_LIFTED=1")
		if out, err := run.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("--- PASS: TestLifted")) {
			t.Errorf("%v: %s", err, out)
		}
		return
	}
	schema.Seal()
	place.Seal()
	for name, try := range map[string]func(){
		"a query, by a generic helper":    func() { select1(db.Query[string], "SELECT author FROM note") },
		"a query, by reflection":          func() { reflected(db.Query[string], "SELECT author FROM note", schema) },
		"a statement, by a helper":        func() { exec1(db.Exec, "DELETE FROM note") },
		"a statement, by reflection":      func() { reflected(db.Exec, "DELETE FROM note", schema) },
		"a query that changes":            func() { reflected(db.Returning[string], "DELETE FROM note RETURNING author", schema) },
		"a key, by a helper":              func() { lift(valkey.NewKey, "all:{}") },
		"a key, by reflection":            func() { reflected(valkey.NewKey, "all:{}") },
		"a server's command, by a helper": func() { lift1(valkey.NewCommand[string], "GET {key}") },
		"a server's command, reflected":   func() { reflected(valkey.NewCommand[string], "GET {key}") },
		"a script, by a helper":           func() { lift(valkey.NewScript[string], "return redis.call('GET', KEYS[1])") },
		"a script, by reflection":         func() { reflected(valkey.NewScript[string], "return redis.call('GET', KEYS[1])") },
		"a program, by a helper":          func() { lift2(command.New, "sh") },
		"a program, by reflection":        func() { reflected(command.New, "sh") },
		"a filter, by a helper":           func() { lift(ldap.NewFilter, "(uid={})") },
		"a filter, by reflection":         func() { reflected(ldap.NewFilter, "(uid={})") },
		"a name, by a helper":             func() { lift(ldap.NewName, "uid={},dc=site") },
		"a name, by reflection":           func() { reflected(ldap.NewName, "uid={},dc=site") },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if said := fmt.Sprint(recover()); !strings.Contains(said, "after the site started") || !strings.Contains(said, "[MRL-") {
					t.Errorf("the panic says %q", said)
				}
			}()
			try()
		})
	}
}
