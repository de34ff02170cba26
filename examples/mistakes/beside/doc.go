// Package beside makes the classic mistakes of a website (package mistakes) with Django and with the usual Go kit, and looks at
// what stops them: `go test -v ./examples/mistakes/beside` prints one line a mistake.
//
// Each is written as a developer of that framework writes it, with what the framework's documentation shows for the task, and is
// then attacked: testdata/django is one project with a view a mistake, the files kit_… are net/http, database/sql, html/template,
// scs, nosurf and unrolled/secure. What came of it is held against testdata/outcomes.json, and docs/compared.md and the README's
// count are made of that. -update writes all three anew.
package beside
