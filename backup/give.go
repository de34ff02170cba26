package backup

import (
	"io/fs"
	"os"
	"path/filepath"

	"github.com/merlon-web/merlon/internal/datafolder"
)

// giveLike gives a folder that root has made, with all in it, to the owner of another one, in whose place it comes: the site, which
// runs as that user, could not open it. Where there is no other one, and for whoever is not root, nothing is to be given.
// The folder itself comes last: until then nobody but root can put a link in the way.
func giveLike(path, other string) error {
	uid, gid, ok := datafolder.Owner(other)
	if !ok || uid == 0 || os.Geteuid() != 0 {
		return nil
	}
	give := func(name string) error { return os.Lchown(name, uid, gid) }
	err := filepath.WalkDir(path, func(name string, _ fs.DirEntry, err error) error {
		if err != nil || name == path {
			return err
		}
		return give(name)
	})
	if err != nil {
		return err
	}
	return give(path)
}
