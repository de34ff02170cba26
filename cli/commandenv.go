package cli

import (
	"os"
	"path/filepath"

	"github.com/merlon-web/merlon"
)

// developmentMark lies beside the socket when the data was last served under development: a command that is typed while the
// site is down then prints the links of this machine, also where merlon.toml lies and names the world's.
const developmentMark = "development"

// commandEnv is the environment of a command that runs in this process: that of the site in the world where merlon.toml or
// the environment names it, so that links that it prints or mails lead there, else that of a site under development.
func (p *program) commandEnv(mode merlon.Mode) (merlon.Env, error) {
	env := p.env(mode)
	if _, err := os.Lstat(p.markPath()); err == nil || mode == merlon.Drill { // a copy is reached by a socket, without TLS
		return env, nil
	}
	set, err := readSettings(settingsName, os.Environ())
	if err != nil || set.Site.Origin == "" {
		return env, err
	}
	settings := set.site()
	settings.AccessLog = false
	if p.brief && !p.sends {
		settings.Mail = merlon.MailSettings{}
	}
	env.Settings = settings
	if env.Mode == merlon.Development {
		env.Mode = merlon.Production
	}
	return env, nil
}

func (p *program) markPath() string { return filepath.Join(p.data, controlFolder, developmentMark) }

// mark notes what the data is served for. The folder of the socket is there.
func (p *program) mark(development bool) error {
	if !development {
		err := os.Remove(p.markPath())
		if os.IsNotExist(err) {
			err = nil
		}
		return err
	}
	return os.WriteFile(p.markPath(), nil, 0o600)
}
