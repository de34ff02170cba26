package cert

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/merlon-web/merlon/check"
)

// lookEvery is how often files are looked at for a change, at a handshake: no signal and no restart is needed.
const lookEvery = 10 * time.Second

// Files is a certificate that the owner keeps in two PEM files, read again when they change.
type Files struct {
	certFile, keyFile string
	hosts             []string
	log               *slog.Logger

	mu     sync.Mutex
	now    *tls.Certificate
	looked time.Time
	state  [2]fileState
	clock  func() time.Time
}

type fileState struct {
	changed time.Time
	size    int64
}

// OpenFiles reads a certificate with its chain, and its key. The key file must be closed to others. What cannot be used is
// [check.Faults]. The hosts, in ASCII and without ports, are those that visitors ask for: what takes the certificate's place later is
// judged by them ([NameCheck] judges the one that is read here).
func OpenFiles(certFile, keyFile string, log *slog.Logger, hosts ...string) (*Files, error) {
	f := &Files{certFile: certFile, keyFile: keyFile, hosts: hosts, log: log, clock: time.Now}
	state, err := f.look()
	if err == nil {
		f.now, err = f.read()
	}
	if err != nil {
		return nil, check.Faults{RuleFiles.Finding("tls", err.Error(), "name a certificate with its chain and its key, both PEM, the key with mode 0600")}
	}
	f.state, f.looked = state, f.clock()
	return f, nil
}

// Get implements [Source]. Files that changed and cannot be used, or whose certificate is worse than the one that was read
// before (browsers refuse it for a host of which they take the other), are logged, and the one from before is shown on.
func (f *Files) Get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now := f.clock(); now.Sub(f.looked) >= lookEvery {
		f.looked = now
		f.reload(now)
	}
	return f.now, nil
}

func (f *Files) reload(now time.Time) {
	state, err := f.look()
	if err == nil && state == f.state {
		return
	}
	rule := RuleFiles
	var next *tls.Certificate
	if err == nil {
		next, err = f.read()
	}
	if err == nil {
		rule, err = f.worse(next.Leaf, now)
	}
	if err != nil {
		f.log.Error("the changed certificate cannot be used; the one from before is shown on", "id", rule.ID, "error", err.Error())
		return // looked at again: the second file may come a moment after the first
	}
	f.now, f.state = next, state
	f.log.Info("the certificate was read again", "until", next.Leaf.NotAfter.UTC().Format(time.RFC3339))
	if found, old := Age(next.Leaf, now); old && found.ID == RuleEnded.ID { // there is nothing better
		f.log.Error("the certificate that is shown is one that browsers refuse, or will tomorrow", "id", found.ID, "error", found.What)
	}
	for _, host := range f.hosts {
		if err := next.Leaf.VerifyHostname(host); err != nil {
			f.log.Error("the certificate that is shown does not name a host of the site", "id", RuleNames.ID, "host", host, "error", err.Error())
		}
	}
}

// worse says by which rule and why a certificate must not take the place of the one that is shown; nil: it may. One that has ended is
// good for no host, so what takes its place is never worse.
func (f *Files) worse(next *x509.Certificate, at time.Time) (check.Rule, error) {
	now := f.now.Leaf
	if !isValid(now, at) {
		return check.Rule{}, nil
	}
	if !isValid(next, at) {
		return RuleEnded, fmt.Errorf("it is valid from %s until %s, and the one from before is valid now", next.NotBefore.UTC().Format(time.RFC3339), next.NotAfter.UTC().Format(time.RFC3339))
	}
	for _, host := range f.hosts {
		if now.VerifyHostname(host) == nil && next.VerifyHostname(host) != nil {
			return RuleNames, fmt.Errorf("it does not name %s, a host of the site, as the one from before does; it names %s: get one that names it, or mend the site's hosts in the settings and restart", host, strings.Join(next.DNSNames, ", "))
		}
	}
	return check.Rule{}, nil
}

func isValid(leaf *x509.Certificate, at time.Time) bool {
	return !at.Before(leaf.NotBefore) && at.Before(leaf.NotAfter)
}

func (f *Files) look() (state [2]fileState, err error) {
	for i, name := range []string{f.certFile, f.keyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return state, err
		}
		if i == 1 && info.Mode().Perm()&0o007 != 0 {
			return state, fmt.Errorf("%s is open to everybody on this machine (mode %04o)", name, info.Mode().Perm())
		}
		state[i] = fileState{info.ModTime(), info.Size()}
	}
	return state, nil
}

func (f *Files) read() (*tls.Certificate, error) {
	c, err := tls.LoadX509KeyPair(f.certFile, f.keyFile)
	var file *fs.PathError
	switch {
	case errors.As(err, &file): // which names it
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%s with the key %s: %s", f.certFile, f.keyFile, strings.TrimPrefix(err.Error(), "tls: "))
	}
	if c.Leaf == nil {
		if c.Leaf, err = x509.ParseCertificate(c.Certificate[0]); err != nil {
			return nil, err
		}
	}
	return &c, nil
}

// Protocols implements [Source].
func (f *Files) Protocols() []string { return nil }

// Leaves implements [Source].
func (f *Files) Leaves(context.Context) []*x509.Certificate {
	f.mu.Lock()
	defer f.mu.Unlock()
	return []*x509.Certificate{f.now.Leaf}
}
