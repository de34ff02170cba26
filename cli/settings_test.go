package cli

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/BurntSushi/toml"

	"github.com/merlon-web/merlon/internal/setting"
)

func TestSettings(t *testing.T) {
	for _, c := range []struct {
		name, text string
		env        []string
		check      func(settings) bool
		want       string // of the error
	}{
		{"nothing", "", nil, func(s settings) bool {
			return s.Serve.Listen == ":443" && s.Serve.Redirect == ":80" && s.Serve.Health == "127.0.0.1:8081" && s.Site.Origin == ""
		}, ""},
		{"a host", "[site]\nhost = \"example.org\"\nhosts = [\"www.example.org\"]", nil, func(s settings) bool {
			return s.Site.Origin == "https://example.org" && reflect.DeepEqual(s.Site.Hosts, []string{"example.org", "www.example.org"})
		}, ""},
		{"an origin with a port", "[site]\nhost = \"example.org\"\norigin = \"https://example.org:8443\"", nil, func(s settings) bool {
			return reflect.DeepEqual(s.Site.Hosts, []string{"example.org", "example.org:8443"})
		}, ""},
		{"the environment wins", "[site]\nhost = \"example.org\"", []string{"MERLON_SITE_HOST=example.net", "MERLON_SITE_HOSTS=a.example.net, b.example.net", "MERLON_SERVE_PRE_DRAIN=3s", "PATH=/bin"}, func(s settings) bool {
			return s.Site.Origin == "https://example.net" && s.Serve.PreDrain == period(3*time.Second) && reflect.DeepEqual(s.Site.Hosts, []string{"example.net", "a.example.net", "b.example.net"})
		}, ""},
		{"mail as development has it", "", []string{"MERLON_MAIL=smtps://u@mail.example.org", "MERLON_MAIL_FROM=A <a@example.org>", "MERLON_MAIL_PASSWORD=x", "MERLON_MAIL_PASSWORD_FILE=/f"}, func(s settings) bool {
			return s.Mail == mailTable{"smtps://u@mail.example.org", "A <a@example.org>", "/f"}
		}, ""},
		{"behind a proxy", "[site]\ntrusted_proxies = [\"10.0.0.1\"]\nclient_header = \"X-Forwarded-For\"\n[tls]\nmode = \"proxy\"", nil, func(s settings) bool {
			return s.Serve.Listen == "127.0.0.1:8080"
		}, ""},
		{"a time", "[serve]\npre_drain = \"5s\"", nil, func(s settings) bool { return s.Serve.PreDrain == period(5*time.Second) }, ""},
		{"a misspelled key", "[serve]\nlisten_on = \":1\"", nil, nil, "nothing reads serve.listen_on"},
		{"a misspelled key, near one", "[site]\ntrusted_proxys = []", nil, nil, "did you mean site.trusted_proxies?"},
		{"a key without a table", "host = \"example.org\"", nil, nil, "nothing reads host"},
		{"a wrong type", "[site]\nhosts = \"example.org\"", nil, nil, "MRL-CLI-003"},
		{"a time without a unit, by the environment", "", []string{"MERLON_SERVE_PRE_DRAIN=5"}, nil, `MERLON_SERVE_PRE_DRAIN is "5": it takes a time with its unit, as "5s"`},
		{"a number for a time", "[serve]\n\npre_drain = 5", nil, nil, `:3: serve.pre_drain is "5": it takes a time with its unit, as "5s"`},
		{"a fraction for a time", "[serve]\npre_drain = 0.5", nil, nil, `:2: serve.pre_drain is "0.5`},
		{"a time without a unit", "[serve]\npre_drain = \"5\"", nil, nil, `:2: serve.pre_drain is "5"`},
		{"a time that is past", "[serve]\npre_drain = \"-5s\"", nil, nil, `:2: serve.pre_drain is "-5s"`},
		{"what is no line", "[serve]\npre_drain = \"5s\"\nfoo bar", nil, nil, `merlon.toml:3: `},
		{"files without files", "[tls]\nmode = \"files\"", nil, nil, "tls.cert or tls.key is empty"},
		{"files that are not used", "[tls]\nmode = \"acme\"\ncert = \"x\"", nil, nil, "tls.mode is not files"},
		{"another mode", "[tls]\nmode = \"http\"", nil, nil, "write acme, files or proxy"},
		{"a skip without a reason", "[serve]\nskip = [\"MRL-SMTP-011\"]", nil, nil, "without a reason"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), settingsName)
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := readSettings(path, c.env)
			switch {
			case c.want != "":
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("error %v, want %q", err, c.want)
				}
			case err != nil:
				t.Error(err)
			case !c.check(s):
				t.Errorf("%+v", s)
			}
		})
	}
}

// No key is a number of nanoseconds: each time of the file has its unit.
func TestTimesHaveUnits(t *testing.T) {
	each(reflect.ValueOf(&settings{}).Elem(), func(name string, v reflect.Value) {
		if v.Kind() == reflect.Int64 && v.Type() != reflect.TypeFor[period]() {
			t.Errorf("%s is a %s: a bare number would be taken", name, v.Type())
		}
	})
}

// A password comes as a file's path, as a credential of systemd, or last by the environment, and is in no settings file.
// TestFindingsNameWhatIsRead: the names by which findings tell of settings are keys of the file and variables that are read.
func TestFindingsNameWhatIsRead(t *testing.T) {
	keys := map[string]bool{}
	each(reflect.ValueOf(&settings{}).Elem(), func(name string, _ reflect.Value) { keys[name] = true })
	for key := range setting.Fields {
		if !keys[string(key)] {
			t.Errorf("%s is no key of %s", key, settingsName)
		}
		for _, variable := range []string{key.Variable(), key.Long()} {
			var s settings
			if err := s.environment([]string{variable + "=x"}); err != nil {
				t.Errorf("%s: %v", key, err)
			}
			if reflect.DeepEqual(s, settings{}) {
				t.Errorf("%s is not read from %s", key, variable)
			}
		}
	}
}

func TestSecretsAreNotInTheFile(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	var s settings
	if got := s.site().Mail.PasswordFile; got != "" {
		t.Errorf("without a credential: %q", got)
	}
	file := filepath.Join(dir, mailCredential)
	if err := os.WriteFile(file, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := s.site().Mail.PasswordFile; got != file {
		t.Errorf("the credential: %q, want %q", got, file)
	}
	s.Mail.PasswordFile = "/other"
	if got := s.site().Mail.PasswordFile; got != "/other" {
		t.Errorf("the owner's own file: %q", got)
	}
	each(reflect.ValueOf(&s).Elem(), func(name string, _ reflect.Value) {
		if strings.HasSuffix(name, "password") || strings.HasSuffix(name, "secret") {
			t.Errorf("%s would be a secret in a file that is no secret", name)
		}
	})
}

func TestGroupMemory(t *testing.T) {
	root := t.TempDir()
	write := func(name, text string) {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("self", "1:name=systemd:/x\n0::/system.slice/club.service\n")
	self := filepath.Join(root, "self")
	if got := groupMemory(self, root); got != 0 {
		t.Errorf("without a limit: %d", got)
	}
	write("system.slice/club.service/memory.max", "max\n")
	write("system.slice/memory.max", "1073741824\n")
	if got := groupMemory(self, root); got != 1<<30 {
		t.Errorf("the slice's limit: %d, want %d", got, 1<<30)
	}
	write("system.slice/club.service/memory.max", "536870912\n")
	if got := groupMemory(self, root); got != 1<<29 {
		t.Errorf("the smaller of two: %d, want %d", got, 1<<29)
	}
	if got := groupMemory(filepath.Join(root, "none"), root); got != 0 {
		t.Errorf("on another system: %d", got)
	}
}

// TestReferenceIsWhatIsRead: the table that docs/settings.md is made of has the keys that are read, of the same kind and in
// the same order of tables, and its examples can be read.
func TestReferenceIsWhatIsRead(t *testing.T) {
	kinds := map[reflect.Type]setting.Kind{reflect.TypeFor[string](): setting.Text, reflect.TypeFor[[]string](): setting.List, reflect.TypeFor[time.Duration](): setting.Time}
	read := 0
	each(reflect.ValueOf(&settings{}).Elem(), func(name string, v reflect.Value) {
		read++
		s, known := setting.Of(setting.Key(name))
		if !known || s.Kind != kinds[v.Type()] {
			t.Errorf("%s: internal/setting says %q, and it is read as %v", name, s.Kind, v.Type())
		}
		table, key, _ := strings.Cut(name, ".")
		var one settings
		if _, err := toml.Decode("["+table+"]\n"+key+" = "+s.Example, &one); err != nil || reflect.DeepEqual(one, settings{}) {
			t.Errorf("the example of %s, %s, is not read: %v", name, s.Example, err)
		}
		if s.Means == "" || s.Default == "" || strings.ContainsAny(s.Means+s.Default, "\n`") {
			t.Errorf("%s: %q, left out: %q", name, s.Means, s.Default)
		}
	})
	if read != len(setting.Settings) {
		t.Errorf("%d keys are read, internal/setting has %d", read, len(setting.Settings))
	}
}

// TestSettingsFile: what deploy settings prints is read as what was set, and names every key.
func TestSettingsFile(t *testing.T) {
	set := settings{Site: siteSettings{Host: "club.example.org", Hosts: []string{"a.example.org", "b.example.org"}},
		Serve: serveSettings{PreDrain: 90 * time.Second}, Mail: mailTable{From: `"The Club" <c@example.org> \ ` + "\x01ü"}}
	text := settingsFile("club", &set)
	var got settings
	if _, err := toml.Decode(text, &got); err != nil || !reflect.DeepEqual(got, set) {
		t.Errorf("%+v (%v)\n%s", got, err, text)
	}
	for _, s := range setting.Settings {
		_, key, _ := strings.Cut(string(s.Key), ".")
		if !strings.Contains(text, "\n#"+key+" = "+s.Example) && !strings.Contains(text, "\n"+key+" = ") {
			t.Errorf("%s is missing:\n%s", s.Key, text)
		}
	}
	for line := range strings.Lines(text) {
		if len(line) > 100 && line[0] == '#' && line[1] == ' ' {
			t.Errorf("a long line: %s", line)
		}
	}
	all := regexp.MustCompile(`(?m)^#(\w+ = )`).ReplaceAllString(settingsFile("club", &settings{}), "$1")
	var every settings
	if _, err := toml.Decode(all, &every); err != nil {
		t.Errorf("with every sign # taken away: %v", err)
	}
	each(reflect.ValueOf(&every).Elem(), func(name string, v reflect.Value) {
		if v.IsZero() {
			t.Errorf("with every sign # taken away %s is not set", name)
		}
	})
}
