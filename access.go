package merlon

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/session"
)

// constant is the type of what must be written in the program's source: an untyped constant fits, a string variable does
// not compile. It stops accidents; what is laundered through a generic helper is stopped by the seal of [Site.Start].
type constant string

// Why a visitor may not come in. An access function returns one of these, or an error that wraps one.
var (
	// ErrSignIn sends the visitor to sign in, and back afterwards.
	ErrSignIn = errors.New("merlon: sign-in needed")
	// ErrForbidden answers 403: the visitor is known, and may not.
	ErrForbidden = errors.New("merlon: forbidden")
	// ErrHidden answers 404: that there is something must not be told either.
	ErrHidden = errors.New("merlon: hidden")
	// ErrAgain asks a visitor who is signed in to prove it once more, and back afterwards.
	ErrAgain = errors.New("merlon: sign in again")
)

// AgainFor is [ErrAgain] with a letter or two for what is missing: the page that asks once more is told them, as
// again=LETTERS, so that it asks for no more than what the need waits for. They are a hint: the need is asked again.
func AgainFor(what constant) error { return againError(what) }

type againError string

func (againError) Error() string { return ErrAgain.Error() }

func (againError) Is(target error) bool { return target == ErrAgain }

// howAgain is what [AgainFor] was told, "1" for a plain [ErrAgain], "" for any other error.
func howAgain(err error) string {
	var what againError
	switch {
	case errors.As(err, &what):
		return string(what)
	case errors.Is(err, ErrAgain):
		return "1"
	}
	return ""
}

// A Visitor is anybody: what a route with [Public] is told of who came.
type Visitor struct{}

// A Visit is what an access function sees: a reader, the session, and the request's facts, but not the request, so that
// nothing from the browser is believed by accident.
type Visit struct {
	DB      *db.Reader
	Session *session.Reader
	Method  string     // GET, HEAD or POST; to a mounted handler also PUT, PATCH or DELETE
	Path    string     // as routed
	Client  netip.Addr // as room trust found it
	Local   bool       // the request comes from this machine, and through no proxy
	Now     time.Time

	ctx context.Context
}

// Context returns the request's context.
func (v *Visit) Context() context.Context { return v.ctx }

// An Access says who may come in by a route, and as what. Its zero value lets nobody in: a site with such a route does not
// start.
type Access[U any] struct{ rule *access }

type access struct {
	name    string
	session bool // the session is looked at, so that the answer depends on it
	part    string
	needs   []Need
	check   any // func(*Visit) (U, error)
}

// Public lets everybody in. A route says so itself; there is no default.
func Public() Access[Visitor] {
	return Access[Visitor]{&access{name: "public", check: func(*Visit) (Visitor, error) { return Visitor{}, nil }}}
}

// NewAccess declares who may come in. The check returns who the visitor is, or [ErrSignIn], [ErrForbidden], [ErrHidden];
// any other error answers 500. The name stands in the access table that `routes` prints.
func NewAccess[U any](name constant, check func(*Visit) (U, error), needs ...Need) Access[U] {
	return Access[U]{&access{name: string(name), session: true, needs: needs, check: check}}
}

// Of returns the same access as one of a part: a site without the part does not start, since the access would let nobody in.
func (a Access[U]) Of(part constant) Access[U] {
	if a.rule == nil {
		return a
	}
	c := *a.rule
	c.part = string(part)
	return Access[U]{&c}
}

// With returns the same access with further needs; they are asked after the check, in order.
func (a Access[U]) With(needs ...Need) Access[U] {
	if a.rule == nil {
		return a
	}
	c := *a.rule
	c.needs = append(append([]Need(nil), c.needs...), needs...)
	return Access[U]{&c}
}

// Name returns the words of the access table: the name and its needs.
func (a Access[U]) Name() string { return a.rule.String() }

func (a *access) String() string {
	if a == nil {
		return "nobody"
	}
	s := a.name
	for _, n := range a.needs {
		s += " + " + n.name
	}
	return s
}

func (a Access[U]) admit(v *Visit) (U, error) {
	var nobody U
	check, ok := a.rule.check.(func(*Visit) (U, error))
	if !ok {
		return nobody, fmt.Errorf("merlon: access %q has no check", a.rule.name)
	}
	u, err := check(v)
	if err != nil {
		return nobody, err
	}
	for _, n := range a.rule.needs {
		if err := n.check(v); err != nil {
			return nobody, err
		}
	}
	return u, nil
}

// A Need is a further condition of an [Access]: a second factor, a fresh sign-in.
type Need struct {
	name  string
	check func(*Visit) error
}

// NewNeed declares a need. Its check returns nil or one of the errors that [NewAccess] names.
func NewNeed(name constant, check func(*Visit) error) Need { return Need{string(name), check} }

// Framed is implemented by what an [Access] tells of a visitor when pages should name them: the frame of every page shown
// (the layout's "signed in as") is filled from it. With every the user has every role, also those that are not among roles:
// {{$site.Has "…"}} agrees with the routes then.
type Framed interface {
	FrameUser() (name string, roles []string, every bool)
}

// Spoken is implemented by what an [Access] tells of a visitor who may have chosen a language: pages are in it, whatever the
// browser asks for, where the site has it. Empty is no choice.
type Spoken interface{ UserLang() string }

// Identified is implemented by what an [Access] tells of a visitor with an account: events name the account.
type Identified interface{ UserID() int64 }

// Written is a part's own type of what must be written in the program's source: an unexported type of strings that has this
// method. Outside of the part only a constant becomes one; a plain string, which data may have made, is none.
type Written interface {
	~string
	Written()
}

// NamedNeed is [NewNeed] for parts, whose needs are of a kind and named after constants of their own: a role, a plan. The name,
// "role board", stands in the access table and decides nothing.
func NamedNeed[C Written](kind constant, of C, check func(*Visit) error) Need {
	return Need{string(kind) + " " + string(of), check}
}

// Within returns the same need with a time beside its name, for needs that somebody must have met not long ago.
func (n Need) Within(d time.Duration) Need { return Need{n.name + ", " + d.String(), n.check} }
