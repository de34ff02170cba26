package attack

import (
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/check"
)

// onBackups is the route of findings that are about copies and no request.
const onBackups = "backups"

// rehearsedOld is when a rehearsal is too old, that of room backup's check.
const rehearsedOld = 8 * 24 * time.Hour

// backups takes the copies of the site: from its own routes, from the place where they lie, and with what lies on the server.
func backups(r *run) {
	var b *Backups
	if r.t.backups != nil && r.wants(onBackups) {
		made, why := r.t.backups(r.ctx)
		if b = made; b == nil {
			r.leave("backups: %s: nothing of them was tried (M73 to M80)", why)
		}
	} else {
		r.leave("backups: nobody told of any: whether there are copies, where, sealed, with which key, whole, restorable and rehearsed was not tried (M73 to M80)")
	}
	copies := map[string]lain{}
	if b != nil {
		copies = r.copies(b)
	}
	r.servedCopies(b, copies)
}

// leave is missed, of the class as a whole: it is not clean then.
func (r *run) leave(format string, args ...any) {
	r.missed(format, args...)
}

// finds tells what was seen of copies: it is repeated by the class, not by a request.
func (r *run) finds(rule check.Rule, format string, args ...any) {
	r.hit(rule, onBackups, nil, r.people[0], format, args...)
}

// texts are what is known to rest in the data, and to be nobody's to read.
func (r *run) texts() (all []string) {
	for _, a := range r.people {
		var known []string
		switch u := a.user.(type) {
		case User:
			known = slices.Collect(maps.Values(u.Fields))
		case merlon.ProbeUser:
			known = []string{u.Email}
		}
		for _, text := range known {
			if strings.Contains(text, "@") && r.t.rest != nil && r.rests(text) != "" && !slices.Contains(all, text) {
				all = append(all, text)
			}
		}
	}
	slices.Sort(all)
	return all
}

// copies has a copy made and does to it what a thief, a disk and an owner do. It returns what lies at the place.
func (r *run) copies(b *Backups) map[string]lain {
	texts := r.texts()
	if len(texts) == 0 {
		r.leave("backups: no text is known that rests in the data, so none was looked for in copies (M75, M76, M78)")
	}
	r.tried++
	before, err := r.lying(b.Place)
	if err == nil {
		err = b.Make(r.ctx)
	}
	if err != nil {
		r.leave("backups: the copy could not be made: %v (M73 to M78)", err)
		return nil
	}
	all, err := r.lying(b.Place)
	if err != nil {
		r.leave("backups: the place cannot be read: %v (M73 to M78)", err)
		return nil
	}
	fresh := map[string]lain{}
	for name, file := range all {
		if before[name].sum != file.sum {
			fresh[name] = file
		}
	}
	if len(fresh) == 0 {
		r.finds(RuleNoCopy, "the backup was made without an error, and nothing new lies at the place")
		return all
	}
	r.disk(b)
	sealed := r.readable(fresh, texts)
	r.keyBeside(b, texts, sealed)
	r.cut(b, fresh)
	r.comesBack(b, texts)
	r.rehearsed(b)
	r.deletable(b, before, fresh)
	return all
}

// disk asks on which disk the copies lie (M74).
func (r *run) disk(b *Backups) {
	r.tried++
	same, known := sameDisk(b.Place, b.Data)
	switch {
	case b.Apart:
		r.leave("backups: on which machine and disk the site's own copies lie (M74): the attacker has them put at a place of its own; check --deploy looks at the settings")
	case !known:
		r.leave("backups: on which disk the copies lie (M74) is not known on this system")
	case same:
		r.finds(RuleSameDisk, "the copies lie on the file system of the data")
	}
}

// readable looks for what rests in the data in the copies (M75). It returns whether some copy keeps it to itself.
func (r *run) readable(fresh map[string]lain, texts []string) (sealed bool) {
	for _, name := range sortedNames(fresh) {
		r.tried++
		open := slices.IndexFunc(texts, func(text string) bool { return r.tells(fresh[name], text) })
		if open >= 0 {
			r.finds(RuleCopyReadable, "%s holds %q as it is in the data", name, texts[open])
		}
		sealed = sealed || open < 0
	}
	return sealed
}

// keyBeside tries what a thief of the server finds there (M76).
func (r *run) keyBeside(b *Backups, texts []string, sealed bool) {
	if !sealed || len(texts) == 0 {
		return // they need no key
	}
	data, err := r.lying(b.Data)
	if err != nil {
		r.leave("backups: what lies on the server cannot be read: %v (M76)", err)
		return
	}
	keys, left := b.keys(data)
	if left > 0 {
		r.leave("backups: %d texts that lie on the server were tried as the key, %d were not (M76)", len(keys), left)
	}
	for _, k := range append([][2]string{{"", "what the site restores with"}}, keys...) {
		r.tried++
		told := false
		err := r.restored(b, k[0], func(got map[string]lain) {
			told = slices.ContainsFunc(texts, func(text string) bool { return r.anyTells(got, text) })
		})
		if err == nil && told {
			r.finds(RuleCopyKey, "the newest copy was opened with %s", k[1])
			return
		}
	}
}

// restored gets the newest copy back, and has what came looked at, unless look is nil, before it is taken away again.
func (r *run) restored(b *Backups, key string, look func(map[string]lain)) error {
	if r.ctx.Err() != nil {
		panic(errOver)
	}
	into, err := newScratch()
	if err != nil {
		return err
	}
	defer func() { _ = into.remove() }()
	if err := b.Restore(r.ctx, into.dir, key); err != nil || look == nil {
		return err
	}
	got, err := r.lying(into.dir)
	if err == nil {
		look(got)
	}
	return err
}

func (r *run) anyTells(files map[string]lain, text string) bool {
	for _, file := range files {
		if r.tells(file, text) {
			return true
		}
	}
	return false
}

// cut cuts the end off the newest copy, and alters a bit in its middle: neither may come back as if it were whole (M77). That
// is its largest file: what lies beside it may be records that a restore does without.
func (r *run) cut(b *Backups, fresh map[string]lain) {
	name := slices.MaxFunc(sortedNames(fresh), func(x, y string) int { return cmp.Compare(fresh[x].size, fresh[y].size) })
	whole := fresh[name]
	if whole.size < leastCut {
		r.leave("backups: %s is too small to be cut (M77)", name)
		return
	}
	for _, try := range []struct {
		how  string
		hurt wound
	}{{"without its last third", withoutEnd(whole.size * 2 / 3)}, {"with a bit of its middle turned", turnedBit(whole.size / 2)}} {
		r.tried++
		back, err := r.restoredFrom(b, whole.path, try.hurt)
		if !back {
			return
		}
		if err == nil {
			r.finds(RuleCutCopy, "%s %s was restored without an error", name, try.how)
			return
		}
	}
}

// restoredFrom restores from a copy that is broken meanwhile, and puts it back whatever happens; back is whether it was broken and
// is as it was.
func (r *run) restoredFrom(b *Backups, path string, hurt wound) (back bool, err error) {
	heal, err := wounded(path, hurt)
	if err != nil {
		r.leave("backups: %s cannot be altered: %v (M77)", path, err)
		return false, nil
	}
	defer func() {
		if err := heal(); err != nil {
			r.leave("backups: %s cannot be put back: %v (M77, M78)", path, err)
			back = false
		}
	}()
	return true, r.restored(b, b.Key, nil)
}

// leastCut is how many bytes a copy has of which one can tell that it was cut.
const leastCut = 16

// comesBack restores the newest copy as the owner does, and compares it with the data (M78).
func (r *run) comesBack(b *Backups, texts []string) {
	r.tried++
	data, err := r.lying(b.Data)
	if err != nil {
		r.leave("backups: the data cannot be read: %v (M78)", err)
		return
	}
	var names []string
	err = r.restored(b, b.Key, func(got map[string]lain) { names = b.missing(data, got, texts, r.tells) })
	if r.ctx.Err() != nil {
		panic(errOver)
	}
	if err != nil {
		r.finds(RuleRestoreMisses, "the newest copy cannot be restored: %v", err)
		return
	}
	if len(names) > 0 {
		slices.Sort(names)
		r.finds(RuleRestoreMisses, "%d of %d files and texts did not come back: %.300s", len(names), len(data)+len(texts), strings.Join(names, ", "))
	}
}

// rehearsed asks when a restore was last rehearsed (M79).
func (r *run) rehearsed(b *Backups) {
	r.tried++
	if b.Rehearsed == nil {
		r.leave("backups: when a restore was last rehearsed (M79) is not known here; check --deploy and the drill know")
		return
	}
	switch last := b.Rehearsed(); {
	case last.IsZero():
		r.finds(RuleDrillStale, "no restore was ever rehearsed")
	case time.Since(last) > rehearsedOld:
		r.finds(RuleDrillStale, "a restore was last rehearsed %d days ago", int(time.Since(last).Hours()/24))
	}
}

// deletable deletes an old copy as a thief of the server would (M80), and puts it back.
func (r *run) deletable(b *Backups, before, fresh map[string]lain) {
	r.tried++
	if b.Delete == nil {
		r.leave("backups: whether the server can delete copies at the site's own place (M80) is not known here; backup init and check --deploy try it there")
		return
	}
	old := before
	if len(old) == 0 {
		old = fresh
	}
	name := sortedNames(old)[0]
	path := filepath.Join(b.Place, filepath.FromSlash(name))
	kept, err := newScratch()
	if err != nil {
		r.leave("backups: whether the server can delete copies (M80): there is no place to keep one meanwhile: %v", err)
		return
	}
	held := false
	defer func() {
		if !held {
			_ = kept.remove()
		}
	}()
	spare := filepath.Join(kept.dir, "copy")
	if err := copyFile(spare, path); err != nil {
		r.leave("backups: whether the server can delete copies (M80): none can be kept meanwhile: %v", err)
		return
	}
	_ = b.Delete(name) // whatever it says: what counts is what lies there
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		return
	}
	r.finds(RuleCopyDeletable, "%s was deleted with the rights of the server", name)
	if err := copyFile(path, spare); err != nil {
		held = true
		dir, failed := kept.keep()
		r.leave("backups: %s cannot be put back, and is kept in %s: %v", name, dir, errors.Join(err, failed))
	}
}

// namesOfCopies are what copies are called where they were left within reach.
var namesOfCopies = strings.Fields(`/backup.zip /backup.tar.gz /backup.tgz /backup.sql /backup.sql.gz /backup.db /backup.bak /site.zip /site.tar.gz /www.zip
	/dump.sql /dump.sql.gz /db.sql /db.sql.gz /database.sql /database.sqlite /database.db /db.sqlite3 /db.sqlite /data.db /site.db /app.db /data.zip
	/backup/backup.zip /backup/dump.sql /backups/backup.zip /backups/dump.sql /data/site.db /data/keys /keys`)

// servedCopies asks the site for copies of its data, as a stranger and as a user without a role: by the names that they usually
// have, by those that they have here, and among the pages that the crawl has seen.
func (r *run) servedCopies(b *Backups, copies map[string]lain) {
	paths, texts := slices.Clone(namesOfCopies), r.texts()
	if b != nil {
		below := ""
		if rel, err := filepath.Rel(b.Data, b.Place); err == nil && filepath.IsLocal(rel) && rel != "." {
			below = "/" + filepath.ToSlash(rel)
		}
		for _, name := range sortedNames(copies) {
			for _, p := range []string{"/" + path.Base(name), "/backup/" + path.Base(name), "/backups/" + path.Base(name), below + "/" + name} {
				if !slices.Contains(paths, p) && len(paths) < 200 {
					paths = append(paths, p)
				}
			}
		}
	}
	for _, a := range r.people {
		if !a.anonymous() && a.role != "user" {
			continue
		}
		for _, p := range append(slices.Clone(paths), r.site.order[a.role]...) {
			route := "GET " + r.t.pattern(http.MethodGet, bare(p))
			if !r.wants(strings.TrimPrefix(route, "GET ")) {
				continue
			}
			ans := r.site.pages[a.role][p]
			if ans == nil {
				ans = a.fork().send(get(p).own(r.t))
			}
			if ans.status != http.StatusOK || ans.isHTML() {
				continue
			}
			if what := copyOf(ans.body, copies, texts, a.anonymous()); what != "" {
				r.hit(RuleCopyServed, route, get(p).own(r.t), a, "%s is %s", p, what)
			}
		}
	}
}

// copyOf says of which copy an answer is the bytes, as far as it was read, or what kind of a dump it is, also packed; "" for none.
// An archive that a user is given may be their own: it is told when it holds what is another's, too.
func copyOf(body string, copies map[string]lain, texts []string, stranger bool) string {
	for _, name := range sortedNames(copies) {
		if copies[name].is(body) {
			return fmt.Sprintf("the copy %s", name)
		}
	}
	if kind := dump(body); kind != "" {
		return kind
	}
	if !strings.HasPrefix(body, "\x1f\x8b") && !strings.HasPrefix(body, "PK") {
		return ""
	}
	if in, err := gzip.NewReader(strings.NewReader(body)); err == nil {
		head, _ := io.ReadAll(io.LimitReader(in, 64)) // of a broken one: what came before
		if kind := dump(string(head)); kind != "" {
			return kind + ", packed"
		}
	}
	held := slices.DeleteFunc(slices.Clone(texts), func(text string) bool { return !tells([]byte(body), text) })
	if len(held) > 1 || len(held) == 1 && stranger {
		return fmt.Sprintf("an archive that holds %q as it is in the data", held[0])
	}
	return ""
}

func sortedNames(files map[string]lain) []string { return slices.Sorted(maps.Keys(files)) }
