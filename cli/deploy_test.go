package cli

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
)

// TestDeployHeedsTheSettings: a file says of the settings what they do not say themselves.
func TestDeployHeedsTheSettings(t *testing.T) {
	proxy := settings{Site: siteSettings{Host: "a.example.org"}, TLS: tlsSettings{Mode: "proxy"}, Serve: serveSettings{Listen: "127.0.0.1:9000"}}
	socket := proxy
	socket.Serve.Listen = "unix:/run/club/socket"
	elsewhere, drained := proxy, proxy
	elsewhere.Serve.Listen = "unix:/run/club/../other/socket"
	drained.Serve.PreDrain = period(30*time.Second + time.Millisecond)
	crooked := proxy
	crooked.Serve.Listen = "x {\n"
	server := settings{Site: siteSettings{Host: "a.example.org"}, TLS: tlsSettings{Mode: "acme"}, DB: dbTable{URL: "postgres://x"}, Serve: serveSettings{Listen: ":8443", Redirect: ":8080"}}
	files := settings{Site: siteSettings{Host: "a.example.org"}, TLS: tlsSettings{Mode: "files", Cert: "/etc/letsencrypt/live/a/fullchain.pem", Key: "key.pem"}}
	strange := files
	strange.TLS.Key = "/x\nUser=root"
	for _, c := range []struct {
		name, kind, host string
		server           bool
		set              settings
		has, lacks       []string
	}{
		{"nothing is set", "systemd", "", false, settings{}, []string{"\n# set site.host and tls.mode in merlon.toml\n", "LoadCredential=mail-password", " user list --data /var/lib/club\n"}, []string{"db-password", "db-reader"}},
		{"what commands and checks look at is in sight", "systemd", "", false, settings{}, []string{"\nProtectProc=invisible\n", "\nTimeoutStopSec=45\n"}, []string{"ProcSubset", "RuntimeDirectory"}},
		{"a drain", "systemd", "", false, drained, []string{"\nTimeoutStopSec=76\n"}, nil},
		{"a drain in a container", "docker", "", false, drained, []string{"docker run --stop-timeout 76 --read-only"}, nil},
		{"a socket of systemd's", "systemd", "", false, socket, []string{"\nRuntimeDirectory=club\n"}, nil},
		{"a socket elsewhere", "systemd", "", false, elsewhere, nil, []string{"RuntimeDirectory"}},
		{"nothing is set", "docker", "", false, settings{}, []string{"\n# set site.host and tls.mode in merlon.toml\nWORKDIR", `serve.listen = ":8443"`}, nil},
		{"a host alone", "docker", "", false, settings{Site: siteSettings{Host: "a.example.org"}}, []string{"\n# set tls.mode in merlon.toml\n"}, []string{"site.host"}},
		{"both are set", "docker", "", false, server, []string{"/data\nWORKDIR"}, []string{"# set", "serve.listen"}},
		{"a host that is typed", "docker", "b.example.org", false, server, []string{"\nENV MERLON_SITE_HOST=b.example.org\n"}, nil},
		{"a host that is typed", "systemd", "b.example.org", false, settings{}, []string{"\nEnvironment=MERLON_SITE_HOST=b.example.org\n"}, nil},
		{"a database on a server", "systemd", "", false, server, []string{"\n# LoadCredential=db-password:/etc/club/db-password\n# LoadCredential=db-reader-password:/etc/club/db-reader-password\nRestart"}, []string{"# set"}},
		{"files of root's", "systemd", "", false, files, []string{"\nLoadCredential=tls-cert:/etc/letsencrypt/live/a/fullchain.pem\nLoadCredential=tls-key:/etc/club/key.pem\n", "systemctl restart club\n"}, nil},
		{"a path that is none", "systemd", "", false, strange, []string{"\n# LoadCredential=tls-key:FILE"}, []string{"User=root"}},
		{"certificates of an authority", "systemd", "", false, server, nil, []string{"tls-key"}},
		{"files in a container", "docker", "", false, files, nil, []string{"tls-key"}},
		{"an engine on a server", "systemd", "", true, settings{}, []string{"db-password"}, nil},
		{"a name", "caddy", "", false, settings{Site: siteSettings{Host: "a.example.org"}}, []string{"\na.example.org {\n", `#   host = "a.example.org"`, "reverse_proxy 127.0.0.1:8080 {"}, nil},
		{"a proxy that is known", "caddy", "", false, proxy, []string{"\na.example.org {\n", "reverse_proxy 127.0.0.1:9000 {"}, []string{"#   host", "merlon.toml"}},
		{"a socket", "caddy", "", false, socket, []string{"reverse_proxy unix//run/club/socket {"}, nil},
		{"no address", "caddy", "", false, crooked, []string{"reverse_proxy 127.0.0.1:8080 {"}, nil},
	} {
		text := fillIn(deployFiles[c.kind], "club", c.host, c.kind, c.server, &c.set)
		for _, want := range c.has {
			if !strings.Contains(text, want) {
				t.Errorf("%s, %s: no %q in\n%s", c.kind, c.name, want, text)
			}
		}
		for _, want := range c.lacks {
			if strings.Contains(text, want) {
				t.Errorf("%s, %s: %q in\n%s", c.kind, c.name, want, text)
			}
		}
		for _, place := range []string{"{name}", "{setting}", "{host}", "{binary}", "{proxy}", "{ports}", "{listens}", "{database}", "{sockets}", "{stop}"} {
			if strings.Contains(text, place) {
				t.Errorf("%s, %s: %s was not filled in", c.kind, c.name, place)
			}
		}
	}
}

// TestRequestLine: short, without what could be a token, and nothing that moves the terminal's cursor.
func TestRequestLine(t *testing.T) {
	a := merlon.Answered{Method: "GET", Status: 200, Bytes: 1234, Took: 1250 * time.Microsecond}
	for path, want := range map[string]string{
		"/notes/7": "GET /notes/7 200 1234 B 1.2 ms",
		"/account/link/reset/pEss7ERG6xwkqHVulnPUnP3NEh8cRJzQ": "GET /account/link/reset/… 200 1234 B 1.2 ms",
		"/static/club.0123456789abcdef0123.css":                "GET /static/club.0123456789abcdef0123.css 200 1234 B 1.2 ms",
	} {
		if got := requestLine(a, path); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := requestLine(a, "/\x1b[2J"); strings.Contains(got, "\x1b") {
		t.Errorf("%q", got)
	}
}

// TestListenNamesWhatIsWrong: a port that cannot be is told in words, not as the library's error.
func TestListenNamesWhatIsWrong(t *testing.T) {
	for listen, want := range map[string]string{"127.0.0.1:80999": "ports are numbers up to 65535", "127.0.0.1:-1": "ports are numbers", "127.0.0.1:x": "ports are numbers", "127.0.0.1": "is not an address"} {
		err := (&program{}).mayListen(nil, listen)
		var f *failure
		if !errors.As(err, &f) || f.code != ExitUsage || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "invalid port") || strings.Contains(err.Error(), "lookup") {
			t.Errorf("%s: %v", listen, err)
		}
	}
}
