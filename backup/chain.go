package backup

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"sync"
	"time"
)

// Chain walks the chain from its genesis and returns the points that are there, oldest first: each signed by the key that the
// one before it named. Beside an error of the type [ChainErrors] the points that were proven are returned too: what is
// missing, altered, foreign, reordered, forked or hidden is named, and does not take the others away. known is a point that
// somebody remembers, nil: none.
//
// Data is looked at by name and size only; [Store.Scrub] reads it.
func (s *Store) Chain(ctx context.Context, known *Receipt) ([]*Point, error) {
	w, err := s.walk(ctx)
	if err != nil {
		return nil, err
	}
	w.knows(known)
	sort.SliceStable(w.faults, func(i, j int) bool { return w.faults[i].Seq < w.faults[j].Seq })
	return w.points, w.faults.err()
}

// A walk is one look at a whole chain.
type walk struct {
	s        *Store
	now      time.Time
	objects  map[string][]Object // by name below the site's folder: all versions, oldest first
	names    []string            // in order
	texts    map[Object][]byte   // of the records that are looked at now
	capped   map[string]bool     // names of which only the oldest versions are looked at
	at       Object              // the record that is looked at now
	genesis  *Genesis
	links    map[int64][]linking // of the links records, by number
	rebirths []birth
	retarget []*Retarget
	found    map[int64][]*layers // manifests that the walk has not come to yet, by number

	seq     int64             // the number that the walk comes to next
	broken  int64             // the number at which the chain ends before its end, 0: nowhere
	highest int64             // of a manifest
	left    map[int64]string  // hashes, by number
	births  []birth           // those that are to come
	reborns []birth           // those by which it came
	former  map[int]PublicKey // who would sign next in a branch that was left
	targets []*Retarget

	points []*Point
	faults ChainErrors
	over   bool           // what was accepted last is past its time: the store's lifecycle puts a marker before it
	orphan int64          // bytes of data that no manifest names
	last   int64          // the newest number
	hash   string         // its hash
	linked map[int64]bool // numbers of which a links record has the link that was proven
	next   PublicKey
	branch int
	then   time.Time // the newest point's effective instant
	r      []string  // the recipients in force
}

// linking is a link, and the record that tells it.
type linking struct {
	Link
	record string
	stored time.Time
}

// birth is a rebirth, and the record that tells it.
type birth struct {
	*Rebirth
	record string
}

var (
	manifestPath = regexp.MustCompile(`^([hdwm])/(\d{8})/manifest\.json$`)
	pointPath    = regexp.MustCompile(`^([hdwm])/(\d{8})/(data-[0-9TZ]+\.age|receipt-\d+\.json)$`)
	chainPath    = regexp.MustCompile(`^chain/(\d{8})-(genesis|links|retarget|rebirth)(-\d+)?(-\d+)?\.json$`)
)

// ownPrefixes are what the names of a chain begin with, in their order. What else lies in the site's folder is nobody's: it is
// not even listed, so that whoever may put can make no walk longer by it.
var ownPrefixes = []string{"chain/", "d/", formatObject, "h/", "m/", "w/"}

// maxVersions is how many versions of one record are read.
const maxVersions = 100

// readers is how many records are read at once.
const readers = 8

func (s *Store) walk(ctx context.Context) (*walk, error) {
	w := &walk{s: s, objects: map[string][]Object{}, texts: map[Object][]byte{}, capped: map[string]bool{}, links: map[int64][]linking{}, linked: map[int64]bool{}, found: map[int64][]*layers{}, former: map[int]PublicKey{}}
	var err error
	if w.now, err = s.target.Now(ctx); err != nil {
		return nil, err
	}
	for _, prefix := range ownPrefixes {
		for o, err := range s.list(ctx, prefix) {
			if err != nil {
				return nil, err
			}
			name := s.below(o.Name)
			if len(w.objects[name]) == 0 {
				w.names = append(w.names, name)
			}
			w.objects[name] = append(w.objects[name], o)
		}
	}
	if len(w.names) == 0 {
		return nil, fmt.Errorf("%w: the site %s has no backups at %s: see that the address is the one in the kit", ErrNotFound, s.site, s.target)
	}
	for _, read := range []func(context.Context) error{w.readFormat, w.readGenesis, w.readChain, w.readManifests} {
		if err := read(ctx); err != nil {
			return nil, err
		}
	}
	if w.genesis == nil {
		return w, nil
	}
	w.follow()
	w.data()
	w.resolve()
	return w, w.proofs(ctx)
}

// maxTexts bounds the records whose text is in memory at once, in bytes: whoever may put can put as many as they like.
const maxTexts = 16 << 20

// each reads the records of these names, so many at once as memory allows, and calls do with each name in their order. Of a
// name with more versions than that the oldest are read: the right one is among them, since it was there first.
func (w *walk) each(ctx context.Context, names []string, do func(name string)) error {
	defer func() { w.texts = map[Object][]byte{} }()
	var batch []Object
	var size int64
	from := 0
	flush := func(to int) error {
		if err := w.read(ctx, batch); err != nil {
			return err
		}
		for _, name := range names[from:to] {
			do(name)
		}
		clear(w.texts)
		from, batch, size = to, nil, 0
		return nil
	}
	for i, name := range names {
		own, bytes := w.versions(name)
		if size+bytes > maxTexts && len(batch) > 0 {
			if err := flush(i); err != nil {
				return err
			}
		}
		batch, size = append(batch, own...), size+bytes
	}
	return flush(len(names))
}

// versions returns the objects of a name that are read, oldest first, and their bytes.
func (w *walk) versions(name string) (own []Object, bytes int64) {
	for _, o := range w.objects[name] {
		if o.Size <= 0 || o.Size > maxRecord { // a marker that something was deleted has no content; the other is no record
			continue
		}
		if bytes+o.Size > maxTexts || len(own) == maxVersions {
			w.capped[name] = true
			break
		}
		own, bytes = append(own, o), bytes+o.Size
	}
	return own, bytes
}

// matching returns the names of a pattern that are there, in order.
func (w *walk) matching(pattern *regexp.Regexp) (names []string) {
	for _, name := range w.names {
		if pattern.MatchString(name) {
			names = append(names, name)
		}
	}
	return names
}

// read reads the texts of records.
func (w *walk) read(ctx context.Context, all []Object) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var mu sync.Mutex
	var group sync.WaitGroup
	todo := make(chan Object)
	for range min(readers, len(all)) {
		group.Go(func() {
			for o := range todo {
				text, err := w.s.text(ctx, o)
				if errors.Is(err, ErrNotFound) || errors.Is(err, ErrDamaged) { // found out by whoever needs it
					err = nil
				}
				if err != nil {
					cancel(err)
					continue
				}
				mu.Lock()
				w.texts[o] = text
				mu.Unlock()
			}
		})
	}
	for _, o := range all {
		select {
		case todo <- o:
		case <-ctx.Done():
		}
	}
	close(todo)
	group.Wait()
	return context.Cause(ctx)
}

func (w *walk) fault(f ChainFault, name string, seq int64, format string, args ...any) {
	w.faults = append(w.faults, w.s.fault(f, name, seq, format, args...))
}

func (w *walk) readFormat(ctx context.Context) error {
	if len(w.objects[formatObject]) == 0 {
		w.fault(Missing, formatObject, 0, "it begins every chain")
		return nil
	}
	return w.each(ctx, []string{formatObject}, func(name string) {
		w.pick(name, 0, func(text []byte) (ChainFault, error) {
			if string(text) != formatName+"\n" {
				return Altered, fmt.Errorf("it says another format than %q: a newer program wrote it, or it was altered", formatName)
			}
			return "", nil
		})
	})
}

func (w *walk) readGenesis(ctx context.Context) error {
	if len(w.objects[genesisName]) == 0 {
		w.fault(Missing, genesisName, 0, "without it no point can be told from one that anybody made")
		return nil
	}
	return w.each(ctx, []string{genesisName}, w.pickGenesis)
}

func (w *walk) pickGenesis(name string) {
	w.pick(name, 0, func(text []byte) (ChainFault, error) {
		g := &Genesis{}
		if err := decode(text, g); err != nil {
			return Altered, err
		}
		if err := g.valid(); err != nil {
			return Altered, err
		}
		if g.Site != w.s.site {
			return Foreign, fmt.Errorf("it is that of the site %s", g.Site)
		}
		if w.s.root != "" && g.T != w.s.root {
			return Foreign, fmt.Errorf("another recovery key began it (%s) than yours (%s): somebody put a chain in its place, or the key is another site's", Fingerprint(string(g.T)), Fingerprint(string(w.s.root)))
		}
		w.genesis = g
		return "", nil
	})
}

// readChain reads the records beside the genesis.
func (w *walk) readChain(ctx context.Context) error {
	if w.genesis == nil {
		return nil
	}
	err := w.each(ctx, w.matching(chainPath), func(name string) {
		m := chainPath.FindStringSubmatch(name)
		if m[2] == "genesis" {
			return
		}
		seq := number(m[1])
		w.pick(name, seq, func(text []byte) (ChainFault, error) {
			var site string
			var err error
			switch m[2] {
			case "links":
				l := &Links{}
				if err = decode(text, l); err == nil {
					err = l.valid()
				}
				if site = l.Site; err == nil && site == w.s.site {
					if last := l.Links[len(l.Links)-1].Seq; last != seq {
						return Reordered, fmt.Errorf("it ends with point %d, its name says %d", last, seq)
					}
					if err := w.tryLinks(l); err != nil {
						return Altered, err
					}
				}
			case "retarget":
				r := &Retarget{}
				if err = decode(text, r); err == nil {
					err = r.valid(w.genesis.T)
				}
				if site = r.Site; err == nil && site == w.s.site {
					if r.After != seq {
						return Reordered, fmt.Errorf("it follows point %d, its name says %d", r.After, seq)
					}
					w.retarget = append(w.retarget, r)
				}
			case "rebirth":
				r := &Rebirth{}
				if err = decode(text, r); err == nil {
					err = r.valid(w.genesis.T)
				}
				if site = r.Site; err == nil && site == w.s.site {
					if r.From-1 != seq {
						return Reordered, fmt.Errorf("it precedes point %d, its name says %d", r.From, seq)
					}
					same := func(b birth) bool { return b.Branch == r.Branch && hashOf(b.unsigned()) == hashOf(r.unsigned()) }
					if !slices.ContainsFunc(w.rebirths, same) { // whoever may put can lay a copy beside it
						w.rebirths = append(w.rebirths, birth{r, name})
					}
				}
			}
			switch {
			case err != nil:
				return Altered, err
			case site != w.s.site:
				return Foreign, fmt.Errorf("it is that of the site %s", site)
			}
			return "", nil
		})
	})
	slices.SortFunc(w.rebirths, func(a, b birth) int { return a.Branch - b.Branch })
	slices.SortFunc(w.retarget, func(a, b *Retarget) int { return int(a.After - b.After) })
	return err
}

// tryLinks takes a links record's links if each is signed by the key that the one before it in the record names. Who signs
// the first one is found out by the walk.
func (w *walk) tryLinks(l *Links) error {
	for i := range l.Links[1:] {
		before, link := &l.Links[i], &l.Links[i+1]
		if link.Branch == before.Branch && (link.Seq != before.Seq+1 || !before.KNext.verify(link.message(w.s.site), link.Sig)) {
			return fmt.Errorf("the link of point %d is not signed by the key that point %d names", link.Seq, before.Seq)
		}
	}
	for _, link := range l.Links {
		w.links[link.Seq] = append(w.links[link.Seq], linking{link, w.s.below(w.at.Name), w.at.Stored})
	}
	return nil
}

func number(digits string) int64 {
	n, _ := strconv.ParseInt(digits, 10, 64) // the pattern has digits only
	return n
}
