package merlon_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/internal/setting"
	"github.com/merlon-web/merlon/secret"
)

// TestFieldsOfSettings: the fields that findings name beside the owner's names are there.
func TestFieldsOfSettings(t *testing.T) {
	for key, path := range setting.Fields {
		at := reflect.TypeFor[merlon.Env]()
		for name := range strings.SplitSeq(path, ".") {
			f, ok := at.FieldByName(name)
			if !ok {
				t.Errorf("%s: merlon.Env has no %s", key, path)
				break
			}
			at = f.Type
		}
	}
}

// TestFindingsNameSettings: whoever has a merlon.toml, or variables, is told which of them is meant.
func TestFindingsNameSettings(t *testing.T) {
	for _, c := range []struct {
		set  merlon.Settings
		want setting.Key
	}{
		{merlon.Settings{Origin: "example.org"}, setting.Origin},
		{merlon.Settings{Hosts: []string{"https://example.org"}}, setting.Hosts},
		{merlon.Settings{Proxies: []string{"proxy.example.org"}, ClientHeader: "X-Forwarded-For"}, setting.Proxies},
		{merlon.Settings{Proxies: []string{"192.0.2.1"}}, setting.ClientHeader},
		{merlon.Settings{Mail: merlon.MailSettings{Address: "mail.example.org", From: "a@example.org"}}, setting.MailAddress},
		{merlon.Settings{Mail: merlon.MailSettings{From: "a@example.org"}}, setting.MailAddress},
		{merlon.Settings{Mail: merlon.MailSettings{Address: "smtp+plain://localhost", From: "club"}}, setting.MailFrom},
		{merlon.Settings{Mail: merlon.MailSettings{Address: "smtp://u@mail.example.org", From: "a@example.org", PasswordFile: "x", Password: secret.New("y")}}, setting.MailPasswordFile},
		{merlon.Settings{Database: merlon.DatabaseSettings{URL: "db"}}, setting.DatabaseURL},
		{merlon.Settings{Database: merlon.DatabaseSettings{Replicas: []string{"postgres://b/a"}}}, setting.DatabaseURL},
		{merlon.Settings{Database: merlon.DatabaseSettings{URL: "postgres://site@a/a", Replicas: []string{"b.example.org"}}}, setting.DatabaseReplicas},
		{merlon.Settings{Database: merlon.DatabaseSettings{URL: "postgres://site@a/a", Replicas: []string{"postgres://b/other"}}}, setting.DatabaseReplicas},
		{merlon.Settings{Database: merlon.DatabaseSettings{URL: "postgres://site@a/a", Replicas: []string{"postgres://site:hidden@b/a"}}}, setting.DatabaseReplicas},
		{merlon.Settings{Database: merlon.DatabaseSettings{URL: "postgres://site@a/a", Replicas: []string{"postgres://b/a?password=hidden"}}}, setting.DatabaseReplicas},
	} {
		_, err := openTestSite(merlon.Env{Data: t.TempDir(), Mode: merlon.Test, Settings: c.set})
		var faults check.Faults
		if !errors.As(err, &faults) || !slices.ContainsFunc(faults, func(f check.Finding) bool { return f.Where == c.want.String() }) {
			t.Errorf("%+v: got %v, want a finding at %s", c.set, err, c.want)
		}
		if strings.Contains(fmt.Sprint(err), "hidden") {
			t.Errorf("a password is told: %v", err)
		}
	}
	for _, c := range []struct {
		set  merlon.Settings
		want []setting.Key // in the order of the rules' ids
	}{
		{merlon.Settings{}, []setting.Key{setting.Host, setting.MailAddress}},
		{merlon.Settings{Origin: "https://192.0.2.7"}, []setting.Key{setting.Host, setting.MailAddress}},
		{merlon.Settings{Origin: "http://shop.local"}, []setting.Key{setting.Origin, setting.Host, setting.MailAddress}},
		{merlon.Settings{Origin: "http://shop.example.org", Hosts: []string{"shop.local"}, Proxies: []string{"10.0.0.0/8"}, ClientHeader: "X-Forwarded-For",
			Mail: merlon.MailSettings{Address: "smtp+plain://localhost", From: "a@other.example.org"}},
			[]setting.Key{setting.Origin, setting.Hosts, setting.Hosts, setting.MailFrom, setting.Proxies}},
	} {
		site, err := openTestSite(merlon.Env{Data: t.TempDir(), Mode: merlon.Test, Settings: c.set})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range check.Run(t.Context(), site.Checks()...).Joined().Findings(check.Low) {
			if strings.HasPrefix(f.Where, "site.") || strings.HasPrefix(f.Where, "mail.") {
				got = append(got, f.Where)
			}
		}
		var want []string
		for _, key := range c.want {
			want = append(want, fmt.Sprint(key))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%+v: found at\n%q\nwant\n%q", c.set, got, want)
		}
	}
}

// TestReplicaAddresses: a standby is asked as the role that reads, with its password.
func TestReplicaAddresses(t *testing.T) {
	set := merlon.DatabaseSettings{URL: "postgres://site@a/club?sslmode=verify-full", ReaderPassword: secret.New("secret"), Password: secret.New("other"),
		Replicas: []string{"postgres://b:5433/club?sslmode=verify-full&sslrootcert=/r"}}
	all, err := set.ReplicaAddresses()
	if err != nil || len(all) != 1 || all[0].Reveal() != "postgres://site_reader:secret@b:5433/club?sslmode=verify-full&sslrootcert=/r" {
		t.Errorf("%d, %v", len(all), err)
	}
	set.Reader = "reads"
	if all, err := set.ReplicaAddresses(); err != nil || !strings.HasPrefix(all[0].Reveal(), "postgres://reads:secret@b:5433/") {
		t.Error(err)
	}
}
