package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/setting"
	"github.com/merlon-web/merlon/secret"
)

// onDatabase gives every site that this program opens the database that merlon.toml or the environment names, also under
// development and for each command: it is where the data is, as --data is. A copy of a data folder (a drill, an attack) has
// its rows in the folder.
func onDatabase(open func(merlon.Env) (*merlon.Site, error)) func(merlon.Env) (*merlon.Site, error) {
	return func(env merlon.Env) (*merlon.Site, error) {
		env.Settings.Valkey = merlon.ValkeySettings{}
		if _, err := os.Lstat(filepath.Join(env.Data, db.FolderNames)); env.Mode == merlon.Drill && errors.Is(err, fs.ErrNotExist) {
			env.Settings.Database = merlon.DatabaseSettings{}
			return open(env)
		}
		set, err := readDatabase(settingsName, os.Environ())
		if err != nil {
			return nil, err
		}
		env.Settings.Database = set.database()
		if env.Mode != merlon.Drill { // the sessions of a copy are its own
			env.Settings.Valkey = set.valkey()
		}
		return open(env)
	}
}

// readDatabase reads what is said of the database and of the server beside it, and nothing else: a site under development minds no other table.
func readDatabase(path string, environ []string) (settings, error) {
	ours := slices.DeleteFunc(slices.Clone(environ), func(line string) bool {
		return !strings.HasPrefix(line, "MERLON_DB_") && !strings.HasPrefix(line, "MERLON_VALKEY_")
	})
	t, err := typedSettings(path, ours)
	if err != nil {
		return settings{}, fmt.Errorf("%w\n  it is read because the site's database or the server beside it may be named there", err)
	}
	t.faults = slices.DeleteFunc(t.faults, func(f settingFault) bool {
		return f.key != "" && f.key != "db" && !strings.HasPrefix(f.key, "db.") && f.key != "valkey" && !strings.HasPrefix(f.key, "valkey.")
	})
	return t.settings, t.err()
}

// database are the settings of the database as the site takes them. A password is a file's, a credential's or the
// environment's.
func (s *settings) database() merlon.DatabaseSettings {
	d := merlon.DatabaseSettings{URL: s.DB.URL, Reader: s.DB.Reader, Replicas: s.DB.Replicas, PasswordFile: s.DB.PasswordFile, ReaderPasswordFile: s.DB.ReaderPasswordFile,
		Password: secret.New(os.Getenv(setting.DatabasePassword)), ReaderPassword: secret.New(os.Getenv(setting.DatabaseReaderPassword))}
	if d.URL == "" {
		return d
	}
	if d.Password.Empty() {
		d.PasswordFile = orCredential(d.PasswordFile, "db-password")
	}
	if d.ReaderPassword.Empty() {
		d.ReaderPasswordFile = orCredential(d.ReaderPasswordFile, "db-reader-password")
	}
	return d
}

// valkey are the settings of the server for sessions as the site takes them.
func (s *settings) valkey() merlon.ValkeySettings {
	v := merlon.ValkeySettings{URL: s.Valkey.URL, Prefix: s.Valkey.Prefix, Mode: s.Valkey.Mode, Roots: s.Valkey.Roots, PasswordFile: s.Valkey.PasswordFile,
		Password: secret.New(os.Getenv(setting.ValkeyPassword))}
	if v.URL != "" && v.Password.Empty() {
		v.PasswordFile = orCredential(v.PasswordFile, "valkey-password")
	}
	return v
}

// migrateSetup prints what an administrator of the database server runs once.
func (p *program) migrateSetup() error {
	site, err := p.site(merlon.Development)
	if site == nil {
		return err
	}
	text, setupErr := site.DatabaseSetup()
	switch {
	case setupErr != nil:
		return exit(ExitFailed, "the database cannot be told: %w", setupErr)
	case text == "":
		return exit(ExitCannot, "this site's rows are in a file of the data folder: no server has to be made ready: name one by db.url in %s first", settingsName)
	}
	_, err = fmt.Fprint(p.out, text)
	return err
}

// served reports whether a process on this machine takes orders for the data folder.
func (p *program) served(ctx context.Context) bool {
	path := controlPath(p.data)
	if path == "" {
		return false
	}
	c, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "unix", path)
	if err == nil {
		_ = c.Close()
	}
	return err == nil
}
