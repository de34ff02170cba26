package merlon_test

import (
	"go/ast"
	"maps"
	"net/http"
	"net/netip"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/header"
	"github.com/merlon-web/merlon/keyring"
	"github.com/merlon-web/merlon/outbound/fetch"
	"github.com/merlon-web/merlon/outbound/valkey"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/password"
)

var (
	_ = page.InsecureHTML("a test of what check lists: markup")
	_ = header.InsecureScriptCookie("__Host-listed", "a test of what check lists: a cookie")
)

// insecureListed says for each way out how check shows it: the reason that this file gives it.
var insecureListed = map[string]string{
	"merlon.InsecureNoToken":        "a test of what check lists: no token",
	"merlon.InsecureStreaming":      "a test of what check lists: a stream",
	"page.InsecureHTML":             "a test of what check lists: markup",
	"header.InsecureScriptCookie":   "a test of what check lists: a cookie",
	"fetch.Config.InsecurePrivate":  "a test of what check lists: 10.0.0.0/8",
	"fetch.Config.InsecurePorts":    "a test of what check lists: 10.0.0.0/8",
	"fetch.Config.InsecureReason":   "a test of what check lists: 10.0.0.0/8",
	"valkey.Config.InsecurePlain":   "a test of what check lists: a server in the clear",
	"password.Config.InsecureCosts": "a test of what check lists: costs", // of the room alone: account has no such setting
}

// Every exported name that opens a guard is one that check lists, with its place and its reason.
func TestCheckListsEveryInsecureUse(t *testing.T) {
	var names []string
	for _, p := range housePackages(t) {
		for _, f := range p.code {
			for _, d := range f.Decls {
				for _, name := range insecureNames(d) {
					if p.folder == "." {
						names = append(names, "merlon."+name)
					} else if f.Name.Name != "main" {
						names = append(names, path.Base(p.folder)+"."+name)
					}
				}
			}
		}
	}
	slices.Sort(names)
	if want := slices.Sorted(maps.Keys(insecureListed)); !slices.Equal(names, want) {
		t.Fatalf("the ways out are %q, this test knows %q: have check list the new one, and add it to the table", names, want)
	}

	hook := http.HandlerFunc(plainHandler)
	site, err := openTestSiteWith(merlon.Env{Mode: merlon.Test, Data: t.TempDir()},
		merlon.Mount("/listed/hook", merlon.Public(), hook, merlon.InsecureNoToken("a test of what check lists: no token")),
		merlon.Mount("/listed/stream", merlon.Public(), hook, merlon.InsecureStreaming("a test of what check lists: a stream")))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fetch.New(fetch.Config{InsecurePrivate: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, InsecurePorts: []string{"billing.internal.example:8443"}, InsecureReason: "a test of what check lists: 10.0.0.0/8"}); err != nil {
		t.Fatal(err)
	}
	if _, err := valkey.New(valkey.Config{Address: "valkey://cache", InsecurePlain: "a test of what check lists: a server in the clear"}); err != nil {
		t.Fatal(err)
	}
	found := site.Check(t.Context()).Findings(check.Low)
	ring, err := keyring.Create(t.TempDir()+"/keys", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	hasher, err := password.New(password.Config{Pepper: ring.For("test"), Clock: time.Now, Params: password.Params{Memory: 64, Time: 1},
		InsecureCosts: "a test of what check lists: costs"})
	if err != nil {
		t.Fatal(err)
	}
	found = append(found, check.Run(t.Context(), hasher.Checks()...).Findings(check.Low)...)
	for name, reason := range insecureListed {
		i := slices.IndexFunc(found, func(f check.Finding) bool { return strings.Contains(f.What, reason) })
		switch {
		case i < 0:
			t.Errorf("check does not list %s", name)
		case !strings.HasPrefix(found[i].Where, "insecure_test.go:") && !strings.HasPrefix(name, "password."):
			t.Errorf("check lists %s at %q, want file and line", name, found[i].Where)
		}
	}
}

// insecureNames returns the exported names of a declaration that open a guard: functions, methods, types, fields, values.
// Rules only speak of it.
func insecureNames(d ast.Decl) (names []string) {
	note := func(of, name string) {
		if ast.IsExported(name) && strings.Contains(name, "Insecure") && !strings.HasPrefix(name, "Rule") {
			names = append(names, of+name)
		}
	}
	switch d := d.(type) {
	case *ast.FuncDecl:
		of := ""
		if d.Recv != nil {
			of = houseReceiver(d.Recv.List[0].Type) + "."
		}
		note(of, d.Name.Name)
	case *ast.GenDecl:
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.ValueSpec:
				for _, n := range s.Names {
					note("", n.Name)
				}
			case *ast.TypeSpec:
				note("", s.Name.Name)
				ast.Inspect(s.Type, func(n ast.Node) bool {
					if f, ok := n.(*ast.Field); ok {
						for _, one := range f.Names {
							note(s.Name.Name+".", one.Name)
						}
					}
					return true
				})
			}
		}
	}
	return names
}
