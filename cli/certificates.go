package cli

import (
	"cmp"
	"context"
	"crypto/x509"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/header"
	"github.com/merlon-web/merlon/trust"
	"github.com/merlon-web/merlon/trust/cert"
)

// certificates opens where the certificates of the site in the world come from; nil where a proxy ends TLS. Nobody is asked
// for anything yet.
func (s settings) certificates(data string, log *slog.Logger) (cert.Source, error) {
	switch s.TLS.Mode {
	case "files":
		certFile, keyFile := s.pair()
		f, err := cert.OpenFiles(certFile, keyFile, log, s.names()...)
		if err != nil {
			return nil, err
		}
		return f, nil
	case "acme":
		var roots *x509.CertPool
		if s.TLS.Roots != "" {
			text, err := os.ReadFile(s.TLS.Roots)
			roots = x509.NewCertPool()
			if err != nil || !roots.AppendCertsFromPEM(text) {
				return nil, exit(ExitFailed, "tls.roots: %s holds no certificate that can be read: name a PEM file  %s", s.TLS.Roots, RuleSettingsFile.ID)
			}
		}
		a, err := cert.NewACME(cert.ACMEConfig{Hosts: s.certified(), Email: s.TLS.Email, Dir: filepath.Join(data, "certificates"), Directory: s.TLS.Directory, Roots: roots, Log: log})
		if err != nil {
			return nil, err
		}
		return a, nil
	}
	return nil, nil
}

// The names of certificate and key among systemd's credentials.
const (
	certCredential = "tls-cert"
	keyCredential  = "tls-key"
)

// pair are the files of certificate and key: what systemd hands over goes before the files that are named, which only root may be
// able to read. The commands that root types have no credentials, and read the files themselves.
func (s settings) pair() (certFile, keyFile string) {
	return cmp.Or(orCredential("", certCredential), s.TLS.Cert), cmp.Or(orCredential("", keyCredential), s.TLS.Key)
}

// names are the hosts of the site as certificates have them: in ASCII and without ports, each once.
func (s settings) names() (names []string) {
	for _, host := range s.Site.Hosts {
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if host = trust.ASCIIName(host); !slices.Contains(names, host) {
			names = append(names, host)
		}
	}
	return names
}

// certified are the names that an authority is asked for. Of a public one they are the public ones; an authority of one's own knows
// one's own names.
func (s settings) certified() []string {
	return slices.DeleteFunc(s.names(), func(host string) bool { return s.TLS.Directory == "" && !header.PublicName(host) })
}

// tellAges says at the start which certificates browsers refuse, or will soon.
func (w *world) tellAges(ctx context.Context) {
	if w.source == nil {
		return
	}
	for _, f := range check.Run(ctx, cert.Checks(w.source, w.site.House().Clock)...).Findings(check.Low) {
		w.log.Warn("certificate", "id", f.ID, "finding", f.Where+": "+f.What, "do", f.Do)
	}
}
