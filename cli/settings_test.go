package cli

import (
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/BurntSushi/toml"

	"github.com/merlon-web/merlon/internal/setting"
	"github.com/merlon-web/merlon/outbound/file"
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
		{"a size", "[uploads]\nuser = \"200MB\"\nfree = \"1 TB\"", []string{"MERLON_UPLOADS_VISITORS=64kB"}, func(s settings) bool {
			return s.Uploads == uploadsTable{200_000_000, 64_000, 1_000_000_000_000} && s.site().Uploads == file.Limits{User: 200_000_000, Visitors: 64_000, Free: 1_000_000_000_000}
		}, ""},
		{"a size without a unit", "[uploads]\nuser = 5", nil, nil, `:2: uploads.user is "5": it takes a whole number above 0 with its unit, kB, MB, GB or TB, as "500MB"`},
		{"a size that is none", "[uploads]\nuser = \"0MB\"", nil, nil, `:2: uploads.user is "0MB"`},
		{"a size that is too large to be one", "[uploads]\nuser = \"9223372036855TB\"", nil, nil, `:2: uploads.user is "9223372036855TB"`},
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
		{"a number for a text", "[site]\nhost = 5", nil, nil, `:2: site.host takes a text, and 5, a number, is written: write it in quotes: host = "5"`},
		{"a word for a text", "[serve]\nmemory = true", nil, nil, `:2: serve.memory takes a text, and true, a word without quotes, is written: write it in quotes: memory = "true"`},
		{"a list for a text", "[site]\nhost = [\"a\"]", nil, nil, `:2: site.host takes a text, and a list is written: write one text in quotes`},
		{"a text for a list", "[site]\nhosts = \"example.org\"", nil, nil, `:2: site.hosts takes a list of texts, and a text is written: write it in brackets: hosts = ["example.org"]`},
		{"a number in a list", "[site]\nhosts = [5]", nil, nil, `:2: site.hosts takes a list of texts, and in it 5, a number, is written: write each in quotes`},
		{"a table for a text", "[site.host]\nx = 1", nil, nil, "site.host takes a text, and a table is written"},
		{"a dotted key", "site.host = 5", nil, nil, `:1: site.host takes a text`},
		{"a dotted key that is read", "site.host = \"example.org\"\nserve = {listen = \":1\"}", nil, func(s settings) bool { return s.Site.Host == "example.org" && s.Serve.Listen == ":1" }, ""},
		{"a text for a table", "\nsite = \"example.org\"", nil, nil, `:2: site is a table: write [site], and its keys below`},
		{"a table that nothing reads", "[site]\n[sites]\nhost = \"x\"", nil, nil, ":2: nothing reads sites"},
		{"a table within a table that nothing reads", "[club.tls]\nmode = \"acme\"", nil, nil, ":1: nothing reads club.tls"},
		{"a dotted key of a table that nothing reads", "\nsiet.trusted_proxies = [\"10.0.0.1\"]", nil, nil, ":2: nothing reads siet.trusted_proxies: a setting that is misspelled protects nobody: did you mean site.trusted_proxies?"},
		{"a key within a key", "[tls]\nmode.acme = \"x\"", nil, nil, ":2: tls.mode takes a text, and a table is written"},
		{"a key within a key that nothing reads", "[tls]\nacme.email = \"x\"", nil, nil, ":2: nothing reads tls.acme.email"},
		{"a list of tables", "[[site]]\nhost = \"example.org\"", nil, nil, ":1: site is a table: write [site], and its keys below"},
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

// TestSettingsFaultsComeTogether: all that is wrong is told at once, where it was typed, and nothing that only follows from it.
func TestSettingsFaultsComeTogether(t *testing.T) {
	path := filepath.Join(t.TempDir(), settingsName)
	text := "[site]\nhots = \"example.org\"\n\n[tls]\nmode = \"acmee\"\ncert = \"x\"\n[serve]\naccess = 1\nskip = [\"A\", \"B\"]\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := readSettings(path, []string{"MERLON_SERVE_MEMORY=no", "MERLON_SITE_HOTS=x"})
	if err == nil {
		t.Fatal("nothing is wrong")
	}
	want := []string{
		path + ":2: nothing reads site.hots: ",
		path + ":8: serve.access takes a text, and 1, a number, is written",
		"nothing reads the variable MERLON_SITE_HOTS",
		path + `:5: tls.mode is "acmee": write acme, files or proxy`,
		`MERLON_SERVE_MEMORY: serve.memory is "no": write on or off`,
		path + `:9: serve.skip has "A" without a reason`,
		path + `:9: serve.skip has "B" without a reason`,
	}
	lines := strings.Split(err.Error(), "\n")
	for i, line := range lines {
		if i >= len(want) || !strings.HasPrefix(line, want[i]) || !strings.HasSuffix(line, "  "+RuleSettingsFile.ID) {
			t.Errorf("line %d: %s", i+1, line)
		}
	}
	if len(lines) != len(want) {
		t.Errorf("%d lines, want %d", len(lines), len(want))
	}
	// Under development only the database's table is minded.
	if _, err := readDatabase(path, []string{"MERLON_SITE_HOTS=x"}); err != nil {
		t.Errorf("of the database nothing is wrong: %v", err)
	}
	if _, err := readDatabase(path, []string{"MERLON_DB_ULR=x"}); err == nil {
		t.Error("a variable of the database that nothing reads")
	}
	if err := os.WriteFile(path, []byte(text+"[db]\nurl = 5\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readDatabase(path, nil); err == nil || !strings.HasPrefix(err.Error(), path+":11: db.url takes a text") || strings.Contains(err.Error(), "hots") {
		t.Errorf("the database's table: %v", err)
	}
}

// No key is a number of nanoseconds or bytes: each time and size of the file has its unit.
func TestTimesHaveUnits(t *testing.T) {
	each(reflect.ValueOf(&settings{}).Elem(), func(name string, v reflect.Value) {
		if v.Kind() == reflect.Int64 && v.Type() != reflect.TypeFor[period]() && v.Type() != reflect.TypeFor[size]() {
			t.Errorf("%s is a %s: a bare number would be taken", name, v.Type())
		}
	})
}

// TestFindingsNameWhatIsRead: the names by which findings tell of settings are keys of the file and variables that are read.
func TestFindingsNameWhatIsRead(t *testing.T) {
	keys := map[string]bool{}
	each(reflect.ValueOf(&settings{}).Elem(), func(name string, _ reflect.Value) { keys[name] = true })
	for key := range setting.Fields {
		if !keys[string(key)] {
			t.Errorf("%s is no key of %s", key, settingsName)
		}
		for _, variable := range []string{key.Variable(), key.Long()} {
			s := typed{at: map[string]string{}}
			s.environment([]string{variable + "=x"})
			if err := s.err(); err != nil {
				t.Errorf("%s: %v", key, err)
			}
			if reflect.DeepEqual(s.settings, settings{}) {
				t.Errorf("%s is not read from %s", key, variable)
			}
		}
	}
}

// A password comes as a file's path, as a credential of systemd, or last by the environment, and is in no settings file.
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
	kinds := map[reflect.Type]setting.Kind{reflect.TypeFor[string](): setting.Text, reflect.TypeFor[[]string](): setting.List, reflect.TypeFor[period](): setting.Time, reflect.TypeFor[size](): setting.Size}
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
		Serve: serveSettings{PreDrain: period(90 * time.Second)}, Uploads: uploadsTable{User: 1_500_000_000, Free: 64_000}, Mail: mailTable{From: `"The Club" <c@example.org> \ ` + "\x01ü"}}
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

// TestTextsNameSettings: what rules, findings and pages of documentation write as KEY = VALUE is a setting, and takes such a value.
func TestTextsNameSettings(t *testing.T) {
	named := regexp.MustCompile(`\b((?:site|serve|tls|mail|db|valkey)\.[a-z_]+) = (\\?"|\[|true\b|false\b|[0-9])`)
	begins := map[setting.Kind]string{setting.Text: `"`, setting.Time: `"`, setting.List: "["}
	found := 0
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "testdata" || entry.Name() == ".git"):
			return fs.SkipDir
		case entry.IsDir() || strings.HasSuffix(path, "_test.go") || !slices.Contains([]string{".go", ".md", ".html", ".json"}, filepath.Ext(path)):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range named.FindAllStringSubmatch(string(text), -1) {
			found++
			if s, ok := setting.Of(setting.Key(m[1])); !ok {
				t.Errorf("%s says %q: there is no such setting", path, m[0])
			} else if strings.TrimPrefix(m[2], `\`) != begins[s.Kind] {
				t.Errorf("%s says %q: the setting takes a %s", path, m[0], s.Kind)
			}
		}
		return nil
	})
	if err != nil || found < 20 {
		t.Fatalf("%d settings with values were found in texts, %v", found, err)
	}
}
