package cli

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/user"
	"regexp"
	"runtime"
	"strconv"
	"strings"

	"github.com/merlon-web/merlon/internal/datafolder"
)

// What root makes in a data folder of another user is root's, and the site, which runs as that user, does not start with it. So a
// command that is typed as root is done by the folder's owner. It could be refused with the line to type instead; but the folder of
// systemd's DynamicUser= lies below one that only root may enter (/var/lib/private), and its owner is a number that nobody can be
// by sudo. And what root had made could be given to the owner in the end; a command that is killed would leave it root's.
//
// The process becomes the owner and begins anew, before it has read anything: the program is executed once more, which no thread,
// open file or half-used input outlives. On Linux it keeps one right of root's beside: to read and to enter (CAP_DAC_READ_SEARCH),
// since merlon.toml, the file of an import or the password of a target may be root's alone, and for the sake of that folder.
// Whatever it writes it writes as the owner, in a place where the site could write as well. The programs that it starts have that
// right too: the copy of a drill lies below that same folder. What reads the data folder to copy it leaves it by no link, which the
// site's user could put there meanwhile.
//
// serve is refused: a site that visitors reach is to have no right of root's, and without it would lack what root alone reads.
// Nor does restore become the owner: it puts one folder in the place of another, beside both, where the owner may make
// nothing. It gives what it has made to the owner of the old one.

// An owner is the user of a data folder.
type owner struct {
	uid, gid int
	groups   []int  // all of the user's, gid among them
	name     string // "": a number that no user has
}

// String returns how the user is told.
func (o owner) String() string { return cmp.Or(o.name, "with the number "+strconv.Itoa(o.uid)) }

// stranger returns the owner of the data folder if this process is root's and the folder is not.
func (p *program) stranger() (o owner, is bool) {
	if os.Geteuid() != 0 {
		return owner{}, false
	}
	uid, gid, ok := datafolder.Owner(p.data)
	if !ok || uid == 0 {
		return owner{}, false
	}
	o = owner{uid: uid, gid: gid, groups: []int{gid}}
	u, err := user.LookupId(strconv.Itoa(uid))
	if err != nil {
		return o, true
	}
	o.name = u.Username
	if own, err := strconv.Atoi(u.Gid); err == nil {
		o.gid, o.groups = own, []int{own}
	}
	if ids, err := u.GroupIds(); err == nil {
		for _, id := range ids {
			if n, err := strconv.Atoi(id); err == nil && n != o.gid {
				o.groups = append(o.groups, n)
			}
		}
	}
	return o, true
}

// asOwner has a command that opens the data done by the owner of its folder. It comes before anything is read or opened: where it
// becomes the owner it does not return.
func (p *program) asOwner(ctx context.Context) error {
	o, is := p.stranger()
	if !is {
		return nil
	}
	if p.become == nil {
		return exit(ExitCannot, "the data folder %s is that of the user %s, and this process is root's: what it makes there the site could not open: type it as that user: %s", p.folder(), o, p.typedAs(o))
	}
	if !p.quiet && !p.served(ctx) { // a site that is up does it itself
		fmt.Fprintf(p.err, "the data folder is that of the user %s: this command runs as that user, so that the site can open what it makes\n", o)
	}
	err := os.Chdir(p.from) // -C is followed once more
	if err == nil {
		err = p.become(o, append([]string{os.Args[0]}, p.args...))
	}
	return exit(ExitCannot, "the data folder %s is that of the user %s, and root cannot become that one here: %w: type it as that user: %s", p.folder(), o, err, p.typedAs(o))
}

// notAsRoot refuses to serve a data folder of another user as root.
func (p *program) notAsRoot() error {
	o, is := p.stranger()
	if !is {
		return nil
	}
	return exit(ExitCannot, "the data folder %s is that of the user %s, and this process is root's: what it makes there that user could not open at the next start: start the site as that user, by its unit or so: %s", p.folder(), o, p.typedAs(o))
}

var plainWord = regexp.MustCompile(`^[\w@%+=:,./-]+$`)

// typedAs is this command as another user types it.
func (p *program) typedAs(o owner) string {
	words := []string{"sudo", "-u", fmt.Sprintf("#%d", o.uid), os.Args[0]}
	if runtime.GOOS == "linux" { // util-linux is on every machine, sudo is not
		words = []string{"setpriv", fmt.Sprintf("--reuid=%d", o.uid), fmt.Sprintf("--regid=%d", o.gid), "--clear-groups", os.Args[0]}
	}
	words = append(words, p.args...)
	for i, word := range words {
		if !plainWord.MatchString(word) {
			words[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}
