// Package valkey has a site keep its sessions and counted attempts on a Valkey or Redis server where the setting valkey.url names one:
//
//	merlon.Config{Engine: postgres.Or(env, sqlite.Engine("shop.db")), Stores: valkey.Or(env)}
//
// What it costs while the server is away: nobody signs in, and visitors who are signed in are told to come again; pages without a
// session go on. See [github.com/merlon-web/merlon/session/valkey] and [github.com/merlon-web/merlon/throttle/valkey].
package valkey

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/internal/setting"
	"github.com/merlon-web/merlon/keyring"
	server "github.com/merlon-web/merlon/outbound/valkey"
	"github.com/merlon-web/merlon/session"
	sessions "github.com/merlon-web/merlon/session/valkey"
	"github.com/merlon-web/merlon/throttle"
	attempts "github.com/merlon-web/merlon/throttle/valkey"
)

// Or returns the stores on the server that the setting valkey.url names, nil where it names none: then the site's database has what
// they would. A setting that cannot be understood is a finding of merlon.New.
func Or(env merlon.Env) merlon.Stores {
	set := env.Settings.Valkey
	if set.URL == "" {
		return nil
	}
	s := &stores{set: set}
	var err error
	if s.config, err = config(set); err != nil {
		s.faults = check.Faults{merlon.RuleStores.Finding(setting.ValkeyURL.String(), err.Error(), "correct the setting")}
		return s
	}
	c, err := server.New(s.config)
	if err != nil && !errors.As(err, &s.faults) {
		s.faults = check.Faults{merlon.RuleStores.Finding(setting.ValkeyURL.String(), err.Error(), "correct the setting")}
	}
	for i := range s.faults {
		s.faults[i].Where = setting.ValkeyURL.String()
	}
	if c != nil {
		c.Close()
	}
	return s
}

func config(set merlon.ValkeySettings) (c server.Config, err error) {
	c = server.Config{Address: set.URL, Prefix: set.Prefix}
	switch set.Mode {
	case "":
	case "cluster":
		c.Cluster = true
	default:
		return c, fmt.Errorf("valkey.mode is %q: write cluster, or take it out", set.Mode)
	}
	if set.Roots != "" {
		text, err := os.ReadFile(set.Roots)
		if err != nil {
			return c, fmt.Errorf("valkey.roots cannot be read: %w", err)
		}
		if c.Roots = x509.NewCertPool(); !c.Roots.AppendCertsFromPEM(text) {
			return c, errors.New("the file of valkey.roots has no certificate in PEM")
		}
	}
	c.Password, err = set.Secret()
	return c, err
}

// stores are a server's.
type stores struct {
	set    merlon.ValkeySettings
	config server.Config
	faults check.Faults

	mu     sync.Mutex
	client *server.Client
}

// Place implements [merlon.Stores]. The address has no password.
func (s *stores) Place() string {
	prefix := s.set.Prefix
	if prefix == "" {
		prefix = "merlon"
	}
	return s.set.URL + " (" + prefix + ")"
}

// At implements [merlon.Stores].
func (s *stores) At(url string) bool { return s.set.URL == url }

// Faults implements [merlon.Stores].
func (s *stores) Faults() check.Faults { return s.faults }

// Open implements [merlon.Stores].
func (s *stores) Open(generation string, keys *keyring.Subkeys) (session.Store, throttle.Store, error) {
	if err := s.faults.Err(); err != nil {
		return nil, nil, err
	}
	client, err := server.New(s.config)
	if err != nil {
		return nil, nil, err
	}
	rows, err := sessions.NewStore(client, generation, keys)
	if err != nil {
		return nil, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client != nil {
		s.client.Close()
	}
	s.client = client
	return rows, attempts.NewStore(client), nil
}

// Close implements [merlon.Stores].
func (s *stores) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client != nil {
		s.client.Close()
		s.client = nil
	}
}

// Checks implements [merlon.Stores].
func (s *stores) Checks() []check.Check {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client == nil {
		return nil
	}
	all := s.client.Checks()
	for i, one := range all {
		if one.Rule.ID != server.RuleSilent.ID && one.Rule.ID != server.RuleRefuses.ID {
			continue
		}
		all[i].Run = func(ctx context.Context) []check.Finding {
			found := one.Run(ctx)
			for i := range found {
				found[i].Where = setting.ValkeyURL.String()
			}
			return found
		}
	}
	return all
}
