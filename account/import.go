package account

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/journal"
	"github.com/merlon-web/merlon/mailbox"
	"github.com/merlon-web/merlon/password"
)

// An arrival is one user of a file.
type arrival struct {
	where    string // for the report: "pk 7", "line 3"
	email    string
	name     string
	hash     string
	roles    []string
	created  time.Time
	disabled bool
	super    bool
}

// An importReport says what came of a file.
type importReport struct {
	Made     int      `json:"made"`
	Existed  int      `json:"existed"`  // the address has an account: it was left as it is
	Wrapped  int      `json:"wrapped"`  // fast hashes, put into a slow one
	NoHash   int      `json:"no_hash"`  // without a password that can be compared: these users reset it
	Disabled int      `json:"disabled"` // made, and shut out as they were
	Supers   int      `json:"supers"`   // superusers of the file
	Skipped  []string `json:"skipped"`  // which were left out, and why
	Dry      bool     `json:"dry_run"`
}

// importBatch is how many accounts one transaction makes: no request waits long.
const importBatch = 200

func (a *part) userImport(ctx context.Context, c *merlon.Call) error {
	raw, err := io.ReadAll(c.In)
	if err != nil {
		return err
	}
	read := readCSV
	if b := bytes.TrimSpace(raw); len(b) > 0 && b[0] == '[' {
		read = readDjango
	}
	report := importReport{Dry: c.Flag("dry-run") != "", Skipped: []string{}}
	found, err := read(raw, &report)
	if err != nil {
		return merlon.Misused("%s", err)
	}
	for len(found) > 0 {
		n := min(importBatch, len(found))
		if err := a.take(ctx, c, found[:n], &report); err != nil {
			return fmt.Errorf("after %d accounts the import stopped: %w: those are there; mend the file and import it again, what is there is left as it is", report.Made, err)
		}
		found = found[n:]
	}
	if err := a.countLikes(ctx); err != nil {
		return err
	}
	return c.Answer("merlon/user-import/v1", "import", report, func(out io.Writer) error {
		verb := "made"
		if report.Dry {
			verb = "would be made"
		}
		fmt.Fprintf(out, "%d accounts %s, %d are there already\n%d fast hashes wrapped, %d without a usable password (their users reset it), %d shut out\n",
			report.Made, verb, report.Existed, report.Wrapped, report.NoHash, report.Disabled)
		if report.Supers > 0 && c.Flag("admins") == "" {
			fmt.Fprintf(out, "%d superusers came as ordinary users: with --admins they become administrators\n", report.Supers)
		}
		for _, s := range report.Skipped {
			fmt.Fprintf(out, "left out: %s\n", s)
		}
		return nil
	})
}

// take makes a batch of accounts. Hashes that are computed fast are put into a slow one at once, before any transaction:
// none of them is ever stored (OWASP Password Storage Cheat Sheet, "Upgrading legacy hashes").
func (a *part) take(ctx context.Context, c *merlon.Call, batch []arrival, report *importReport) error {
	type made struct {
		arrival
		hash    string
		wrapped bool
	}
	var ready []made
	for _, u := range batch {
		m := made{arrival: u, hash: u.hash}
		info := password.Inspect(u.hash)
		switch {
		case info.Algorithm == "":
			m.hash = NoPassword
		case info.Fast && !report.Dry:
			wrapped, err := a.hasher.Wrap(ctx, u.hash)
			if err != nil {
				return err
			}
			m.hash, m.wrapped = wrapped, true
		case info.Fast:
			m.wrapped = true
		}
		ready = append(ready, m)
	}
	now := c.House.Clock()
	count := func(m made) {
		report.Made++
		if m.hash == NoPassword {
			report.NoHash++
		}
		if m.wrapped {
			report.Wrapped++
		}
		if m.disabled {
			report.Disabled++
		}
		if m.super {
			report.Supers++
		}
	}
	if report.Dry {
		r := c.House.Engine.Read(ctx)
		defer r.Close()
		for _, m := range ready {
			row, err := userByEmail.One(r, normal(m.email))
			switch {
			case err == nil && !row.waiting():
				report.Existed++
			case err == nil, errors.Is(err, db.ErrNoRow):
				count(m)
			default:
				return err
			}
		}
		return nil
	}
	before := *report
	err := c.House.Engine.Write(ctx, func(_ context.Context, w *db.Writer) error {
		ids := 0
		for _, m := range ready {
			roles := m.roles
			if m.super && c.Flag("admins") != "" {
				roles = append(roles, Admin)
			}
			taken, err := a.vacate(w, normal(m.email))
			if err != nil {
				return err
			}
			if taken {
				report.Existed++
				continue
			}
			created := m.created
			if created.IsZero() || created.After(now) {
				created = now
			}
			id, err := create(w, m.email, m.name, m.hash, created, now, roles...)
			if err != nil {
				return fmt.Errorf("%s: %w", m.where, err)
			}
			if m.disabled {
				if _, err := updateDisable.Run(w, id, now.UnixMicro()); err != nil {
					return err
				}
			}
			ids++
			count(m)
		}
		e := event.New(RuleImported, event.Done, slog.Int("accounts", ids), event.ByCommand())
		e.Time = now
		return journal.Append(w, e)
	})
	if err != nil {
		*report = before
	}
	return err
}

// judge leaves out what cannot be an account, with the reason.
func judge(all []arrival, report *importReport) (good []arrival) {
	seen := map[string]bool{}
	for _, u := range all {
		why := ""
		if _, err := mailbox.ParseAddress(u.email); u.email == "" {
			why = "it has no mail address, and an account is known by one"
		} else if err != nil {
			why = "its mail address is none that mail programs agree on"
		} else if seen[normal(u.email)] {
			why = "its address is in the file twice"
		} else if err := checkRoles(u.roles); err != nil {
			why = "a role has characters other than a-z, 0-9 and -"
		} else if !fitName(u.name) {
			why = "its name is too long or has control characters"
		}
		seen[normal(u.email)] = true
		if why != "" {
			report.Skipped = append(report.Skipped, u.where+": "+why)
			continue
		}
		if slices.Contains(u.roles, Admin) { // as Django's superusers: only who asks for administrators gets them
			u.super = true
			u.roles = slices.DeleteFunc(u.roles, func(r string) bool { return r == Admin })
		}
		good = append(good, u)
	}
	return good
}

// yesOrNo reads what people and programs write for yes and no. Whatever else stands there must not be guessed: who was shut out
// would come in, or an administrator be made.
func yesOrNo(s string) (yes, known bool) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "yes", "y", "true", "t", "1", "on", "x":
		return true, true
	case "no", "n", "false", "f", "0", "off":
		return false, true
	}
	return false, false
}

// readDjango reads what `manage.py dumpdata` writes: users are the objects that have a password and an e-mail address,
// whatever their model is called.
func readDjango(raw []byte, report *importReport) ([]arrival, error) {
	var objects []struct {
		Model  string                     `json:"model"`
		PK     json.RawMessage            `json:"pk"`
		Fields map[string]json.RawMessage `json:"fields"`
	}
	if err := json.Unmarshal(raw, &objects); err != nil {
		return nil, fmt.Errorf("the file is no list of objects as Django's dumpdata writes it: %w: write it with: manage.py dumpdata auth.user", err)
	}
	var all []arrival
	for _, o := range objects {
		if _, ok := o.Fields["password"]; !ok {
			continue
		}
		if _, ok := o.Fields["email"]; !ok {
			continue
		}
		text := func(field string) (s string) { _ = json.Unmarshal(o.Fields[field], &s); return strings.TrimSpace(s) }
		flag := func(field string, otherwise bool) (bool, error) {
			v, ok := o.Fields[field]
			if !ok {
				return otherwise, nil
			}
			yes, known := yesOrNo(strings.Trim(string(v), `"`)) // also 1 and "True", as other programs write them
			if !known {
				return false, fmt.Errorf("%s %s: %s is %s: it takes true or false: mend it", event.Clean(o.Model), event.Clean(string(o.PK)), field, event.Clean(string(v)))
			}
			return yes, nil
		}
		u := arrival{where: o.Model + " " + string(o.PK), email: text("email"), name: strings.TrimSpace(text("first_name") + " " + text("last_name")), hash: text("password")}
		active, err := flag("is_active", true)
		if err != nil {
			return nil, err
		}
		if u.super, err = flag("is_superuser", false); err != nil {
			return nil, err
		}
		u.disabled = !active
		if u.name == "" {
			u.name = text("username")
		}
		u.created, _ = time.Parse(time.RFC3339, text("date_joined"))
		all = append(all, u)
	}
	if len(all) == 0 {
		return nil, errors.New("the file has no object with a password and an email: nothing to import: write it with: manage.py dumpdata auth.user")
	}
	return judge(all, report), nil
}

// importHelp is what the help of user import says of its file.
const importHelp = `The first line of a CSV file names its columns:
  email     the address, the only column that must be there
  password  a hash as Django writes it; whoever has none asks for a new password by mail
  name      as it is shown; left out: what stands before the @
  roles     with spaces between
  created   the time, as 2026-01-31T12:00:00Z
  disabled  yes or no`

// readCSV reads a file with the columns email and password, and if it has them name, roles (separated by spaces), created
// (RFC 3339) and disabled (yes or no; empty: no).
func readCSV(raw []byte, report *importReport) ([]arrival, error) {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(raw, []byte("\ufeff"))))
	r.TrimLeadingSpace = true
	head, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("the file is neither JSON nor CSV: %w: its first line names the columns: email,password,name", err)
	}
	column := map[string]int{}
	for i, h := range head {
		h = strings.ToLower(strings.TrimSpace(h))
		switch h {
		case "email", "password", "name", "roles", "created", "disabled":
			column[h] = i
		default:
			return nil, fmt.Errorf("the column %q is not known: the columns are email, password, name, roles, created, disabled: rename or leave it out", event.Clean(h))
		}
	}
	if _, ok := column["email"]; !ok {
		return nil, errors.New("the file has no column email: an account is known by its address: name the columns in the first line")
	}
	var all []arrival
	for {
		line, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("the file is not CSV: %w", err)
		}
		get := func(name string) string {
			if i, ok := column[name]; ok {
				return strings.TrimSpace(line[i])
			}
			return ""
		}
		n, _ := r.FieldPos(0)
		u := arrival{where: fmt.Sprintf("line %d", n), email: get("email"), name: get("name"), hash: get("password"), roles: strings.Fields(get("roles"))}
		if d := get("disabled"); d != "" {
			var known bool
			if u.disabled, known = yesOrNo(d); !known {
				return nil, fmt.Errorf("line %d: disabled is %q: it takes yes or no: mend it", n, event.Clean(d))
			}
		}
		if u.name == "" {
			u.name, _, _ = strings.Cut(u.email, "@")
		}
		if c := get("created"); c != "" {
			if u.created, err = time.Parse(time.RFC3339, c); err != nil {
				return nil, fmt.Errorf("line %d: created is %q: it takes a time as 2026-01-31T12:00:00Z: mend it", n, event.Clean(c))
			}
		}
		all = append(all, u)
	}
	return judge(all, report), nil
}
