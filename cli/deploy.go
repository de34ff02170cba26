package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/internal/setting"
)

// deploy prints files for those who run the site in the world. They are the owner's from then on: nothing reads them back.
func (p *program) deploy() *cobra.Command {
	var host string
	c := &cobra.Command{
		Use: "deploy systemd|docker|caddy", GroupID: "operate", Short: "print a unit, a Dockerfile or a Caddyfile for this site",
		Example: "  " + programName() + " deploy systemd --host club.example.org > club.service",
		Args:    exactArgs(1, "systemd, docker or caddy"),
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
			if !known {
				return exit(ExitUsage, "%q is none of the files that are known: write systemd, docker or caddy", args[0])
			}
			if args[0] == "caddy" && host == "" {
				return exit(ExitUsage, "a Caddyfile begins with the site's name: add --host club.example.org")
			}
			binary := "/usr/local/bin/" + name
			if self, err := os.Executable(); err == nil && args[0] == "systemd" && strings.HasPrefix(self, "/usr/") {
				binary = filepath.Clean(self)
			}
			line := "# set " + string(setting.Host) + " and tls.mode in " + settingsName
			if host != "" {
				line = "Environment=" + setting.Host.Variable() + "=" + host
				if args[0] == "docker" {
					line = "ENV " + setting.Host.Variable() + "=" + host
				}
			}
			_, err = fmt.Fprint(p.out, strings.NewReplacer("{name}", name, "{binary}", binary, "{host}", host, "{setting}", line).Replace(text))
			return err
		},
	}
	c.Flags().StringVar(&host, "host", "", "the site's public name")
	return c
}

var hostShape = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$`)

// deployFiles: each closes what the site does not need. The unit's score by systemd-analyze security is held by a test.
var deployFiles = map[string]string{
	"systemd": `# {name}.service: to /etc/systemd/system, then: systemctl enable --now {name}
# merlon.toml is read from /etc/{name}; data is /var/lib/{name}.
# With {name}.socket (ListenStream=443, FileDescriptorName=site) nobody is turned away by a restart.
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
{setting}
# LoadCredential=mail-password:/etc/{name}/mail-password
# LoadCredential=db-password:/etc/{name}/db-password
# LoadCredential=db-reader-password:/etc/{name}/db-reader-password
# LoadCredential=valkey-password:/etc/{name}/valkey-password
Restart=on-failure
RestartSec=2
TimeoutStopSec=30

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
ProcSubset=pid
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
SystemCallErrorNumber=EPERM
UMask=0077
LimitCORE=0
LimitNOFILE=65536

[Install]
WantedBy=multi-user.target
`,
	"docker": `# docker build -t {name} . ; run with:
#   docker run --read-only --cap-drop ALL --security-opt no-new-privileges -v {name}-data:/data -v ./merlon.toml:/etc/{name}/merlon.toml:ro -p 443:8443 -p 80:8080 {name}
# merlon.toml: serve.listen = ":8443", serve.redirect = ":8080"
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
# merlon.toml:
#   [site]
#   host = "{host}"
#   trusted_proxies = ["127.0.0.1"]
#   client_header = "X-Forwarded-For"
#   [serve]
#   listen = "127.0.0.1:8080"
#   [tls]
#   mode = "proxy"
{host} {
	reverse_proxy 127.0.0.1:8080 {
		header_up X-Forwarded-For {remote_host}
		header_up X-Forwarded-Proto https
	}
}
`,
}
