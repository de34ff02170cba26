package backup

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A siteHere is a chain at a target, as the list of what lies there tells of it. Nothing of that is proven.
type siteHere struct {
	id  string
	put time.Time // when the newest record of a point came there, by the dates of the place; zero: there is none
}

// severalError says that several chains lie at a target, and that nothing tells which one is meant.
type severalError struct {
	target string
	sites  []siteHere // the one that had a point last comes first
	none   bool       // a recovery key was given, and it began none of them
	looked int        // at so many of them, with that key
}

// mostTold is how many sites are told: whoever may put can begin as many as they like.
const mostTold = 10

// Error implements error: each line of it that names a site can be copied.
func (e *severalError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "backup: %d sites have backups at %s, and ", len(e.sites), e.target)
	switch {
	case !e.none:
		fmt.Fprint(&b, "the key does not tell which one is meant: nothing was restored\n  give the same command again, with the one that is yours:")
	case e.looked < len(e.sites):
		fmt.Fprintf(&b, "your recovery key began none of the %d that were looked at: nothing was restored\n  compare the key and the address with the kit; if they are right give the same command again, with the site in the kit:", e.looked)
	default:
		fmt.Fprint(&b, "your recovery key began none of them: nothing was restored\n  the key is another site's, or the address is: compare both with the kit, which names its site too. Here are:")
	}
	for i, one := range e.sites {
		if i == mostTold {
			fmt.Fprintf(&b, "\n    and %d more", len(e.sites)-i)
			break
		}
		when := "no point yet"
		if !one.put.IsZero() {
			when = "newest point put " + one.when()
		}
		fmt.Fprintf(&b, "\n    --site %s   %s", one.id, when)
	}
	return b.String() + "\n  the kit has the id of its site, and merlon recovery open tells that of a point; the times are those of the place, and prove nothing"
}

func (s siteHere) when() string { return s.put.UTC().Format("2006-01-02 15:04 MST") }

// emptyError says that no site has backups at a target.
type emptyError struct{ target string }

// Error implements error.
func (e *emptyError) Error() string {
	return fmt.Sprintf("backup: no site has backups at %s: see that the address is the one in the kit", e.target)
}

// Is has it be [ErrNotFound], whose words are about an object.
func (e *emptyError) Is(other error) bool { return other == ErrNotFound }

// openOwned is [OpenStore] for whoever has a key: where several chains lie at a target and no site's id is known, as when the key was
// typed, the one that the key's root began is meant. Whoever may put can begin as many as they like, so many are looked at at most.
// The error is a *severalError when none can be told from the others.
func openOwned(ctx context.Context, t Target, site string, r *Recovery) (*Store, error) {
	if site != "" {
		if !siteShape.MatchString(site) {
			return nil, fmt.Errorf("backup: %q is no site's id: it has 16 hexadecimal digits and stands in the kit", clip(site))
		}
		return &Store{target: t, site: site}, nil
	}
	found, err := sitesAt(ctx, t)
	if err != nil {
		return nil, err
	}
	switch len(found) {
	case 0:
		return nil, &emptyError{t.String()}
	case 1:
		return &Store{target: t, site: found[0].id}, nil
	}
	several := &severalError{target: t.String(), sites: slices.SortedStableFunc(slices.Values(found), func(a, b siteHere) int { return b.put.Compare(a.put) })}
	if r == nil {
		return nil, several
	}
	var own *Store
	for _, one := range found[:min(len(found), mostStrange)] {
		store := &Store{target: t, site: one.id}
		is, err := store.begunBy(ctx, r.Root())
		if err != nil {
			return nil, err
		}
		if is && own != nil { // not by init, which makes a key for each
			return nil, several
		}
		if is {
			own = store
		}
		several.looked++
	}
	if own == nil {
		several.none = true
		return nil, several
	}
	return own, nil
}

// manifestAt is where a manifest lies at a target.
var manifestAt = regexp.MustCompile(`^([0-9a-f]{16})/[hdwm]/\d{8}/manifest\.json$`)

// sitesAt lists the sites at a target: what has a genesis.
func sitesAt(ctx context.Context, t Target) (sites []siteHere, err error) {
	put := map[string]time.Time{}
	for o, err := range t.List(ctx, "") {
		if err != nil {
			return nil, err
		}
		if m := manifestAt.FindStringSubmatch(o.Name); m != nil && o.Stored.After(put[m[1]]) {
			put[m[1]] = o.Stored
		}
		site, rest, _ := strings.Cut(o.Name, "/")
		if rest == genesisName && siteShape.MatchString(site) && !slices.ContainsFunc(sites, func(s siteHere) bool { return s.id == site }) {
			sites = append(sites, siteHere{id: site})
		}
	}
	for i := range sites {
		sites[i].put = put[sites[i].id]
	}
	return sites, nil
}

// begunBy reports whether a root key signed the record that began the chain, in any of its versions.
func (s *Store) begunBy(ctx context.Context, root PublicKey) (bool, error) {
	for o, err := range s.list(ctx, genesisName) {
		if err != nil {
			return false, err
		}
		if s.below(o.Name) != genesisName || o.Size > maxRecord {
			continue
		}
		text, err := s.text(ctx, o)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return false, err
		}
		var g Genesis
		if decode(text, &g) == nil && g.valid() == nil && g.T == root && g.Site == s.site {
			return true, nil
		}
	}
	return false, nil
}
