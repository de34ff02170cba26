package merlon_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	bignum "math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/journal"
	"github.com/merlon-web/merlon/mailbox"
	"github.com/merlon-web/merlon/merlontest"
	"github.com/merlon-web/merlon/trust/cert"
)

// crafted is a source of certificates that nobody signed: only their times are looked at.
type crafted struct{ leaves []*x509.Certificate }

func (crafted) Get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return nil, errors.New("no handshake")
}
func (crafted) Protocols() []string                          { return nil }
func (c crafted) Leaves(context.Context) []*x509.Certificate { return c.leaves }
func ninety(serial int64, from time.Time) *x509.Certificate {
	return &x509.Certificate{SerialNumber: bignum.NewInt(serial), DNSNames: []string{"shop.example"}, NotBefore: from, NotAfter: from.Add(90 * 24 * time.Hour)}
}

// TestCertificateAlarm: a certificate that nobody renews is told at a third, 14 days, 7 days and 1 day and at its end, once
// each by event and mail, also over a restart; check finds it too; the renewed one is told of as itself.
func TestCertificateAlarm(t *testing.T) {
	dir := t.TempDir()
	began := time.Now()
	open := func(env merlon.Env) (*merlon.Site, error) {
		env.Certificates = crafted{[]*x509.Certificate{ninety(7, began)}}
		env.Settings.Owner = "owner@example.org"
		return openTestSite(env)
	}
	var s *merlontest.Server
	told := func() (stages []string, mails []mailbox.Message) {
		t.Helper()
		s.Read(func(r *db.Reader) error {
			for _, r0 := range cert.Rules() {
				all, err := journal.List(r, journal.Filter{ID: r0.ID})
				if err != nil {
					return err
				}
				for _, e := range all {
					stages = append(stages, string(e.Detail))
				}
			}
			all, err := s.Site.House().Mails.List(r, 0, 50)
			mails = all
			return err
		})
		return stages, mails
	}
	want := 0
	for _, c := range []struct {
		day   float64 // of ninety
		id    string
		stage cert.Stage
	}{
		{1, "", cert.Young}, {59, "", cert.Young}, {61, "MRL-CERT-003", cert.Third}, {70, "MRL-CERT-003", cert.Third}, {77, "MRL-CERT-002", cert.Fortnight},
		{84, "MRL-CERT-002", cert.Week}, {89.5, "MRL-CERT-001", cert.LastDay}, {90.5, "MRL-CERT-001", cert.Ended},
	} {
		t.Run(string(c.stage)+" ", func(t *testing.T) {
			s = merlontest.StartIn(t, dir, open) // each time anew: nothing of it is in memory
			s.Advance(time.Until(began.Add(time.Duration(c.day * 24 * float64(time.Hour)))))
			before, _ := told()
			for range 3 { // hours
				if err := s.Site.TellAges(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			after, mails := told()
			if c.stage != cert.Young && c.day != 70 {
				want++
			}
			if len(after) != want || len(mails) != want {
				t.Fatalf("day %v: %d events, %d mails, want %d", c.day, len(after), len(mails), want)
			}
			if len(after) > len(before) && !slices.ContainsFunc(after, func(d string) bool {
				return strings.Contains(d, string(c.stage)) && strings.Contains(d, "shop.example")
			}) {
				t.Errorf("day %v: no event says %q: %q", c.day, c.stage, after)
			}
			if want > 0 && (mails[0].To.String() != "owner@example.org" || !strings.Contains(mails[0].Text, "shop.example") || !strings.Contains(mails[0].Text, began.Add(90*24*time.Hour).UTC().Format("2006-01-02"))) {
				t.Errorf("day %v: the mail is %q to %s", c.day, mails[0].Text, mails[0].To)
			}
			var found []string
			for _, f := range s.Site.CheckDeploy(t.Context()).Findings(check.Low) {
				if strings.HasPrefix(f.ID, "MRL-CERT") {
					found = append(found, f.ID)
				}
			}
			if strings.Join(found, " ") != c.id {
				t.Errorf("day %v: check finds %q, want %q", c.day, found, c.id)
			}
		})
	}
}

// TestCertificateOfUnicodeHosts: a certificate names a host in ASCII; settings may have it in letters.
func TestCertificateOfUnicodeHosts(t *testing.T) {
	leaf := ninety(7, time.Now())
	leaf.DNSNames = []string{"xn--bcher-kva.example.org", "xn--mller-kva.example.org"}
	s, err := openTestSite(merlon.Env{Data: t.TempDir(), Certificates: crafted{[]*x509.Certificate{leaf}},
		Settings: merlon.Settings{Origin: "https://xn--bcher-kva.example.org", Hosts: []string{"bücher.example.org", "Müller.example.org:8443"}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range s.CheckDeploy(t.Context()).Findings(check.Low) {
		if f.ID == cert.RuleNames.ID {
			t.Error(f)
		}
	}
}

// TestCertificateLacks: a host that an authority gives no certificate is told after an hour, once a day, by event and mail.
func TestCertificateLacks(t *testing.T) {
	certificates := t.TempDir()
	source, err := cert.NewACME(cert.ACMEConfig{Hosts: []string{"shop.example"}, Dir: certificates, Directory: "https://127.0.0.1:1/"})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	open := func(env merlon.Env) (*merlon.Site, error) {
		env.Certificates, env.Settings.Owner = source, "owner@example.org"
		return openTestSite(env)
	}
	s := merlontest.StartIn(t, dir, open)
	look := s.Site.AgeTask()
	told := func(want int, when string) {
		t.Helper()
		if err := look(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.Read(func(r *db.Reader) error {
			events, err := journal.List(r, journal.Filter{ID: cert.RuleACME.ID})
			if err != nil {
				return err
			}
			mails, err := s.Site.House().Mails.List(r, 0, 50)
			if len(events) != want || len(mails) != want {
				t.Errorf("%s: %d events, %d mails, want %d", when, len(events), len(mails), want)
			}
			if want > 0 && (!strings.Contains(mails[0].Text, "for shop.example, ") || !strings.Contains(string(events[0].Detail), "has given none yet")) {
				t.Errorf("%s: %s, the mail %q", when, events[0].Detail, mails[0].Text)
			}
			return err
		})
	}
	s.Advance(time.Hour)
	told(1, "after an hour")
	s.Advance(time.Hour)
	told(1, "after two")
	s.Advance(23 * time.Hour)
	told(2, "after a day")
	s.Advance(24 * time.Hour)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	leaf := ninety(8, time.Now())
	der, err := x509.CreateCertificate(rand.Reader, leaf, leaf, key.Public(), key)
	if err == nil {
		err = os.WriteFile(filepath.Join(certificates, "shop.example"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	told(2, "with a certificate")
}
