package backup

import (
	"errors"
	"strconv"
	"strings"

	"github.com/merlon-web/merlon"
)

// errUnproven says that no point of a chain is proven.
var errUnproven = errors.New("backup: nothing here is proven")

// baseKeyError says that the key of the point with the uploads of before lacks, beside that of the point itself.
type baseKeyError struct {
	seq int64
	error
}

func (e *baseKeyError) Unwrap() error { return e.error }

// faultWords are the faults of a chain for the page on which a site is got back.
var faultWords = map[ChainFault]string{
	Missing: "backup.back.missing", Altered: "backup.back.altered", Foreign: "backup.back.foreign", Reordered: "backup.back.reordered",
	Forked: "backup.back.forked", Hidden: "backup.back.hidden", Older: "backup.back.older", Backdated: "backup.back.backdated",
}

// saidOf is an error for that page: what happened and what to do in the visitor's language, and where a system or a store has
// more to say of it that too.
func saidOf(err error) merlon.Said {
	var said merlon.Said
	if errors.As(err, &said) {
		return said
	}
	var several *severalError
	if errors.As(err, &several) {
		return several.said()
	}
	var base *baseKeyError
	if errors.As(err, &base) {
		return merlon.Said{ID: "backup.back.base-key", Args: []any{strconv.FormatInt(base.seq, 10)}}
	}
	for _, one := range []struct {
		kind error
		said merlon.Said
	}{
		{ErrKey, merlon.Said{ID: "backup.back.other-key"}},
		{errUnproven, merlon.Said{ID: "backup.back.unproven"}},
		{ErrAddress, merlon.Said{ID: "backup.back.address"}},
		{ErrNotFound, merlon.Said{ID: "backup.back.nothing"}},
		{ErrDenied, merlon.Said{ID: "backup.back.denied"}},
		{ErrUnreachable, merlon.Said{ID: "backup.back.away"}},
	} {
		if errors.Is(err, one.kind) {
			one.said.Detail = detail(err)
			return one.said
		}
	}
	return merlon.Said{ID: "backup.back.failed", Detail: detail(err)}
}

// said tells the sites that can be chosen.
func (e *severalError) said() merlon.Said {
	said := merlon.Said{ID: "backup.back.several", Args: []any{strconv.Itoa(len(e.sites))}}
	if e.none {
		said.ID = "backup.back.several-none"
	}
	for i, one := range e.sites {
		switch {
		case i == mostTold:
			said.Lines = append(said.Lines, merlon.Said{ID: "backup.back.several-more", Args: []any{strconv.Itoa(len(e.sites) - i)}})
			return said
		case one.put.IsZero():
			said.Lines = append(said.Lines, merlon.Said{ID: "backup.back.several-empty", Args: []any{one.id}})
		default:
			said.Lines = append(said.Lines, merlon.Said{ID: "backup.back.several-one", Args: []any{one.id, one.when()}})
		}
	}
	return said
}

func detail(err error) string { return strings.TrimPrefix(err.Error(), "backup: ") }
