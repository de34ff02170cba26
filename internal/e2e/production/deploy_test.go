package production_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/internal/e2e/need"
)

// TestUnit: the unit is one that systemd takes, and closes what the site does not need.
func TestUnit(t *testing.T) {
	p := newPlace(t)
	code, unit, errs := p.run(t, "deploy", "systemd", "--host", host)
	if code != 0 {
		t.Fatalf("exit %d\n%s", code, errs)
	}
	for _, want := range []string{"Type=notify", "serve --production --data /var/lib/club", "Environment=MERLON_SITE_HOST=" + host, "NoNewPrivileges=yes", "DynamicUser=yes", "\nLoadCredential=tls-cert:/etc/club/cert.pem\nLoadCredential=tls-key:/etc/club/key.pem\n"} {
		if !strings.Contains(unit, want) {
			t.Errorf("the unit lacks %q:\n%s", want, unit)
		}
	}
	if strings.ContainsAny(unit, "{}") {
		t.Errorf("a place was not filled in:\n%s", unit)
	}
	analyze := need.Program(t, "systemd-analyze", "systemd")
	// The program need not be installed for the judgement.
	unit = regexp.MustCompile(`(?m)^ExecStart=\S+`).ReplaceAllString(unit, "ExecStart="+club(t))
	file := filepath.Join(t.TempDir(), "club.service")
	if err := os.WriteFile(file, []byte(unit), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(analyze, "security", "--offline=true", "--no-pager", file).CombinedOutput()
	m := regexp.MustCompile(`Overall exposure level for \S+: ([0-9.]+) (\w+)`).FindStringSubmatch(string(out))
	if m == nil {
		t.Fatalf("systemd-analyze security: %v\n%s", err, out)
	}
	if score, _ := strconv.ParseFloat(m[1], 64); score >= 5 { // OK is below 5
		t.Errorf("exposure %s %s, want OK or better\n%s", m[1], m[2], out)
	}
	t.Logf("exposure %s %s", m[1], m[2])
	if out, err := exec.Command(analyze, "verify", "--man=no", "--recursive-errors=no", file).CombinedOutput(); err != nil || strings.Contains(string(out), "club.service:") {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}

// TestDeployFiles: the other files have what matters.
func TestDeployFiles(t *testing.T) {
	p := newPlace(t)
	for name, wants := range map[string][]string{
		"docker":   {"CGO_ENABLED=0", "distroless/static", "USER nonroot", "--read-only --cap-drop ALL", "ENV MERLON_SITE_HOST=" + host, `"serve", "--production"`},
		"caddy":    {host + " {", "reverse_proxy 127.0.0.1:8080", "header_up X-Forwarded-For {remote_host}", "header_up X-Forwarded-Proto https", `mode = "proxy"`},
		"settings": {"[site]", "\nhost = \"" + host + "\"", "\nmode = \"files\"", "\n#roots = ", "Variable: MERLON_SERVE_SKIP"},
	} {
		code, out, errs := p.run(t, "deploy", name, "--host", host)
		if code != 0 || strings.Contains(out, "{name}") || strings.Contains(out, "{setting}") {
			t.Errorf("%s: exit %d\n%s%s", name, code, out, errs)
		}
		for _, want := range wants {
			if !strings.Contains(out, want) {
				t.Errorf("%s lacks %q:\n%s", name, want, out)
			}
		}
	}
	code, out, errs := p.run(t, "deploy", "caddy") // its name is in merlon.toml
	if code != 0 || !strings.Contains(out, "\n"+host+" {") {
		t.Errorf("without --host: exit %d\n%s%s", code, out, errs)
	}
	for _, args := range [][]string{{"deploy", "kubernetes"}, {"deploy", "systemd", "--host", "x\nExecStart=/bin/sh"}, {"deploy"}} {
		if code, out, errs := p.run(t, args...); code != 2 || out != "" || errs == "" {
			t.Errorf("%q: exit %d, want 2\n%s%s", args, code, out, errs)
		}
	}
}

// TestBillOfMaterials: it names what the linker linked, and the same program gives the same document.
func TestBillOfMaterials(t *testing.T) {
	p := newPlace(t)
	_, first, errs := p.run(t, "version", "--sbom")
	_, second, _ := p.run(t, "version", "--sbom")
	if first != second {
		t.Error("two documents of one program differ")
	}
	var b struct {
		BomFormat, SpecVersion, SerialNumber string
		Version                              int
		Components                           []struct {
			Type, Name, Version, Purl string
			Hashes                    []struct{ Alg, Content string }
		}
		Dependencies []struct {
			Ref       string
			DependsOn []string
		}
	}
	if err := json.Unmarshal([]byte(first), &b); err != nil {
		t.Fatalf("%v\n%s%s", err, first, errs)
	}
	if b.BomFormat != "CycloneDX" || b.SpecVersion != "1.5" || b.Version != 1 || !regexp.MustCompile(`^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(b.SerialNumber) {
		t.Errorf("format %q %q, serial number %q, version %d", b.BomFormat, b.SpecVersion, b.SerialNumber, b.Version)
	}
	listed := map[string]bool{}
	for _, c := range b.Components {
		if c.Type != "library" || c.Version == "" || c.Purl != "pkg:golang/"+c.Name+"@"+c.Version {
			t.Errorf("component %+v", c)
		}
		if c.Name != "std" && (len(c.Hashes) != 1 || len(c.Hashes[0].Content) != 64) {
			t.Errorf("component %s has the hashes %v", c.Name, c.Hashes)
		}
		listed[c.Name] = true
	}
	linked, err := exec.Command("go", "version", "-m", club(t)).Output()
	if err != nil {
		t.Fatal(err)
	}
	n := 1 // the standard library
	for _, m := range regexp.MustCompile(`(?m)^\tdep\t(\S+)`).FindAllStringSubmatch(string(linked), -1) {
		n++
		if !listed[m[1]] {
			t.Errorf("%s is linked and not listed", m[1])
		}
	}
	if n != len(b.Components) || len(b.Dependencies) != 1 || len(b.Dependencies[0].DependsOn) != n {
		t.Errorf("%d components and %d dependencies, want %d", len(b.Components), len(b.Dependencies), n)
	}
	if _, text, _ := p.run(t, "version"); !strings.Contains(text, "github.com/ncruces/go-sqlite3") || !strings.Contains(text, "modules") || !strings.Contains(text, "known holes are those of 20") {
		t.Errorf("version prints no modules, or not of which day the list of holes is:\n%s", text)
	}
}
