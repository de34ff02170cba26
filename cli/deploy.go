package cli

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/internal/setting"
)

// deploy prints files for those who run the site in the world. They are the owner's from then on: nothing reads them back.
func (p *program) deploy() *cobra.Command {
	var host string
	c := &cobra.Command{
		Use: "deploy systemd|docker|caddy|settings", GroupID: "operate", Short: "print a unit, a Dockerfile, a Caddyfile or a merlon.toml for this site",
		Example: "  " + programName() + " deploy systemd --host club.example.org > club.service\n  " + programName() + " deploy settings --host club.example.org",
		Args:    exactArgs(1, "systemd, docker, caddy or settings"),
		RunE: func(_ *cobra.Command, args []string) error {
			if host != "" && !hostShape.MatchString(host) {
				return exit(ExitUsage, "--host %q is no host name: it is written into files: write club.example.org", host)
			}
			site, err := p.site(merlon.Development)
			if err != nil {
				return err
			}
			name := site.Name()
			if name == "" {
				name = "site"
			}
			text, known := deployFiles[args[0]]
			if !known && args[0] != "settings" {
				return exit(ExitUsage, "%q is none of the files that are known: write systemd, docker, caddy or settings", args[0])
			}
			set, err := typedSettings(settingsName, os.Environ())
			if err == nil {
				err = set.err()
			}
			if err != nil {
				return err
			}
			if args[0] == "settings" {
				if host != "" {
					set.Site.Host = host
				}
				_, err = fmt.Fprint(p.out, settingsFile(name, &set.settings))
				return err
			}
			set.Site.Host = strings.ToLower(set.Site.Host)
			if set.Site.Host != "" && !hostShape.MatchString(set.Site.Host) {
				return exit(ExitFailed, "%s: site.host is %q, no host name: it is written into files: write club.example.org  %s", set.where("site.host"), set.Site.Host, RuleSettingsFile.ID)
			}
			if args[0] == "caddy" && host == "" && set.Site.Host == "" {
				return exit(ExitUsage, "a Caddyfile begins with the site's name: add --host club.example.org, or set site.host in %s", settingsName)
			}
			_, err = fmt.Fprint(p.out, fillIn(text, name, host, args[0], site.Shared(), &set.settings))
			return err
		},
	}
	c.Flags().StringVar(&host, "host", "", "the site's public name")
	return c
}

// fillIn puts into a file what is known of the site: its name, the host that was typed, and what its settings say already.
func fillIn(text, name, host, kind string, server bool, set *settings) string {
	binary := "/usr/local/bin/" + name
	if self, err := os.Executable(); err == nil && kind == "systemd" && strings.HasPrefix(self, "/usr/") {
		binary = filepath.Clean(self)
	}
	line, lacks := "", []string{}
	if set.Site.Host == "" && set.Site.Origin == "" {
		lacks = append(lacks, string(setting.Host))
	}
	if set.TLS.Mode == "" {
		lacks = append(lacks, "tls.mode")
	}
	switch {
	case host != "" && kind == "docker":
		line = "ENV " + setting.Host.Variable() + "=" + host + "\n"
	case host != "":
		line = "Environment=" + setting.Host.Variable() + "=" + host + "\n"
	case len(lacks) > 0:
		line = "# set " + strings.Join(lacks, " and ") + " in " + settingsName + "\n"
	}
	if host == "" {
		host = set.Site.Host
	}
	credentials := ""
	if server || set.DB.URL != "" {
		for _, one := range []string{"db-password", "db-reader-password"} {
			credentials += "# LoadCredential=" + one + ":/etc/" + name + "/" + one + "\n"
		}
	}
	if set.Valkey.URL != "" {
		credentials += "# LoadCredential=valkey-password:/etc/" + name + "/valkey-password\n"
	}
	credentials += keyCredentials(name, set)
	listens, behind := "127.0.0.1:8080", caddySettings
	if set.TLS.Mode == "proxy" {
		behind = ""
		if listenShape.MatchString(set.Serve.Listen) {
			listens = set.Serve.Listen
		}
		if file, ok := strings.CutPrefix(listens, "unix:"); ok {
			listens = "unix/" + file
		}
	}
	ports := "# merlon.toml: serve.listen = \":8443\", serve.redirect = \":8080\"\n"
	if set.Serve.Listen == ":8443" && set.Serve.Redirect == ":8080" {
		ports = ""
	}
	text = strings.ReplaceAll(text, "{proxy}\n", behind)
	return strings.NewReplacer("{name}", name, "{binary}", binary, "{host}", host, "{setting}\n", line, "{database}\n", credentials, "{listens}", listens, "{ports}\n", ports,
		"{sockets}\n", socketFolder(name, set.Serve.Listen), "{stop}", strconv.Itoa(stopSeconds(set))).Replace(text)
}

// stopSeconds is how long a site may take to end, in seconds: /readyz is down for serve.pre_drain, requests that run are waited for, and
// for as long again jobs, mails and the data are closed. Whoever kills it earlier breaks off what it had accepted.
func stopSeconds(set *settings) int {
	return int(math.Ceil((time.Duration(set.Serve.PreDrain) + 45*time.Second).Seconds()))
}

// socketFolder has systemd make the folder of a Unix socket under /run, where the unit's user could make none.
func socketFolder(name, listen string) string {
	file, ok := strings.CutPrefix(listen, "unix:")
	if !ok || !strings.HasPrefix(filepath.Clean(file), "/run/"+name+"/") {
		return ""
	}
	return "RuntimeDirectory=" + name + "\n# The socket is open to its group, which is to be that of the server in front:\n# Group=www-data\n"
}

// keyCredentials has certificate and key handed over by systemd, which reads them as root: the unit's user is nobody's, and a key
// that it could read would be open to others. They are read at the start alone.
func keyCredentials(name string, set *settings) string {
	if set.TLS.Mode != "files" {
		return ""
	}
	text := "# Read by root at the start, so a renewed certificate is taken by: systemctl restart " + name + "\n"
	for _, one := range [][3]string{{certCredential, "tls.cert", set.TLS.Cert}, {keyCredential, "tls.key", set.TLS.Key}} {
		file := one[2]
		if file != "" && !filepath.IsAbs(file) {
			file = "/etc/" + name + "/" + file
		}
		if !pathShape.MatchString(file) {
			text += "# LoadCredential=" + one[0] + ":FILE, which is that of " + one[1] + "\n"
			continue
		}
		text += "LoadCredential=" + one[0] + ":" + filepath.Clean(file) + "\n"
	}
	return text
}

// caddySettings are what the site needs to know behind Caddy.
const caddySettings = `# merlon.toml:
#   [site]
#   host = "{host}"
#   trusted_proxies = ["127.0.0.1"]
#   client_header = "X-Forwarded-For"
#   [serve]
#   listen = "127.0.0.1:8080"
#   [tls]
#   mode = "proxy"
`

// All are written into files of other programs.
var (
	pathShape   = regexp.MustCompile(`^/[\w.@+/-]+$`)
	listenShape = regexp.MustCompile(`^[\w.:/\[\]-]+$`)
	hostShape   = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$`)
)

// deployFiles: each closes what the site does not need. The unit's score by systemd-analyze security is held by a test.
//
// The unit has no ProcSubset=pid: it hides /proc/sys and /proc/meminfo, by which the socket for commands has the name that root's
// shell looks for (controlName), and by which check sees the machine's memory and swap. ProtectProc=invisible hides the processes of others.
var deployFiles = map[string]string{
	"systemd": `# {name}.service: to /etc/systemd/system, then: systemctl enable --now {name}
# merlon.toml is read from /etc/{name}; data is /var/lib/{name}.
# Commands are typed in the first, and name the second: cd /etc/{name}; {binary} user list --data /var/lib/{name}
# With {name}.socket (ListenStream=443, FileDescriptorName=site) nobody is turned away by a restart. It may have
# several ListenStream lines, as one of IPv4 and one of IPv6. A redirect's socket has a unit of its own, with
# FileDescriptorName=redirect and Service={name}.service.
[Unit]
Description={name}, a website
Wants=network-online.target
After=network-online.target

[Service]
Type=notify
NotifyAccess=main
ExecStart={binary} serve --production --data /var/lib/{name}
WorkingDirectory=/etc/{name}
StateDirectory={name}
StateDirectoryMode=0700
{sockets}
{setting}
# LoadCredential=mail-password:/etc/{name}/mail-password
{database}
Restart=on-failure
RestartSec=2
TimeoutStopSec={stop}

DynamicUser=yes
AmbientCapabilities=CAP_NET_BIND_SERVICE
CapabilityBoundingSet=CAP_NET_BIND_SERVICE
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
ProtectProc=invisible
LockPersonality=yes
MemoryDenyWriteExecute=yes
RemoveIPC=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallFilter=setpriority
SystemCallErrorNumber=EPERM
UMask=0077
LimitCORE=0
LimitNOFILE=65536

[Install]
WantedBy=multi-user.target
`,
	"docker": `# docker build -t {name} . ; run with:
#   docker run --stop-timeout {stop} --read-only --cap-drop ALL --security-opt no-new-privileges -v {name}-data:/data -v ./merlon.toml:/etc/{name}/merlon.toml:ro -p 443:8443 -p 80:8080 {name}
{ports}
FROM golang:1.26 AS build
WORKDIR /src
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags=-s -o /{name} . && mkdir -m 0700 /data

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /{name} /{name}
COPY --from=build --chown=nonroot:nonroot /data /data
{setting}
WORKDIR /etc/{name}
VOLUME /data
EXPOSE 8443 8080
STOPSIGNAL SIGTERM
USER nonroot
ENTRYPOINT ["/{name}"]
CMD ["serve", "--production", "--data", "/data"]
`,
	"caddy": `# Caddyfile: Caddy ends TLS, the site stays on loopback.
{proxy}
{host} {
	reverse_proxy {listens} {
		header_up X-Forwarded-For {remote_host}
		header_up X-Forwarded-Proto https
	}
}
`,
}
