package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/merlon-web/merlon"
)

// policy is `backup policy s3`: what the owner applies at the store, with rights of their own, before init. It names the
// folder of the site's points, so the site's id is chosen here if init has not run.
func (p *part) policy(_ context.Context, c *merlon.Call) error {
	kind := c.Arg(0)
	at := slices.IndexFunc(p.cfg.Schemes, func(s Scheme) bool { return s.Name == kind && s.Policy != nil })
	if at < 0 {
		return merlon.Misused("there is no policy for %q: a folder or an SFTP server cannot lock, see docs/backups.md; for s3 the program lists s3.Scheme in backup.Config", kind)
	}
	address := c.Flag("to")
	setup, err := ReadSetup(c.Apart.Data)
	switch {
	case errors.Is(err, ErrNotSetUp) && address == "":
		return merlon.Misused("--to is missing: the place is not known before backup init: write it like %s", p.cfg.Schemes[at].Example)
	case err != nil && !errors.Is(err, ErrNotSetUp):
		return err
	case address == "":
		address = setup.Target
	}
	var site string
	if setup != nil {
		site = setup.Site
	} else if site, err = homeOf(c.Apart.Data).chosenSite(); err != nil {
		return merlon.Cannot("%v", err)
	}
	papers, err := p.cfg.Schemes[at].Policy(address, site)
	if err != nil {
		return merlon.Misused("%v", err)
	}
	return c.Answer("merlon/backup-policy/v1", "policy", papers, func(out io.Writer) error {
		_, err := fmt.Fprintf(out, "%s\nsite   %s: then backup init --to %s\n", papers, site, address)
		return err
	})
}

// siteFile holds the id that policy chose for a site whose init has not run.
const siteFile = "site"

// chosenSite returns the id of a site that has no backups yet, and keeps it.
func (h home) chosenSite() (string, error) {
	text, err := os.ReadFile(h.path(siteFile))
	site := strings.TrimSpace(string(text))
	switch {
	case err == nil && siteShape.MatchString(site):
		return site, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("backup: %w", err)
	}
	if err := h.make(); err != nil {
		return "", fmt.Errorf("backup: %w", err)
	}
	site = newSite()
	return site, writeFile(h.path(siteFile), []byte(site+"\n"))
}
