package backup

import (
	"fmt"
	"io/fs"
	"os"

	"github.com/merlon-web/merlon/internal/datafolder"
)

// giveLike gives a folder that root has made, with all in it, to the owner of another one, in whose place it comes: the site, which
// runs as that user, could not open it. Where there is no other one, and for whoever is not root, nothing is to be given.
//
// The folder above may be that user's, who can put another in the place of this one at any time. So it is opened once, must be root's,
// and is never left by a link; it comes last itself, and until then nobody but root changes anything in it.
func giveLike(path, other string) error {
	uid, gid, ok := datafolder.Owner(other)
	if !ok || uid == 0 || os.Geteuid() != 0 {
		return nil
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return err
	}
	defer root.Close()
	info, err := root.Stat(".")
	if err != nil {
		return err
	}
	if is, _, _ := datafolder.OwnerOf(info); is != 0 {
		return fmt.Errorf("%s is no longer the folder that was made there", path)
	}
	err = fs.WalkDir(root.FS(), ".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		return root.Lchown(name, uid, gid)
	})
	if err != nil {
		return err
	}
	return root.Chown(".", uid, gid)
}
