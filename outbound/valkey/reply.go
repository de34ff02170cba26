package valkey

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	vk "github.com/valkey-io/valkey-go"

	"github.com/merlon-web/merlon/db"
)

// A Reply is what a command answers. In lists what is missing is an empty text.
type Reply interface {
	int64 | float64 | string | []string | map[string]string | Done
}

// Done is the reply of a command that answers with nothing but its success.
type Done struct{}

// Why there is no answer.
var (
	ErrNone   = errors.New("outbound/valkey: there is no such value")
	ErrCannot = errors.New("outbound/valkey: the server did not answer")
	ErrClosed = errors.New("outbound/valkey: the client is closed")
)

// An Error is what the server said: its code alone ("WRONGTYPE", "OOM", "NOPERM"), since its words repeat values.
type Error struct{ Code string }

// refusals are the codes of a server that refuses whatever it is asked, or whoever asks, and what to do about it: the command is
// right, and succeeds once that is done.
var refusals = map[string]string{
	"OOM":       "its memory is full: give it more (maxmemory)",
	"MISCONF":   "it cannot write to its disk: make room there, its log says what failed",
	"NOAUTH":    "it asks for a password: give it (of a site: valkey.password_file)",
	"WRONGPASS": "it does not know the user with this password: correct the user in the address (of a site: valkey.url) or the password (valkey.password_file)",
	"NOPERM":    "the user may not do that: give it the right in the server's ACL, for the commands and for the keys of the site",
}

// Error returns the code and what to do, or where to look it up.
func (e *Error) Error() string {
	do := refusals[e.Code]
	if do == "" {
		do = "its log and its documentation say why"
	}
	return fmt.Sprintf("outbound/valkey: the server refused (%s): %s", e.Code, do)
}

// Is says that a refusal which is not about the command is a [db.ErrBusy]: it answers visitors 503, not 500.
func (e *Error) Is(target error) bool {
	return target == db.ErrBusy && refusals[e.Code] != ""
}

// told turns the library's errors into those of the room.
func told(err error) error {
	if said, ok := vk.IsValkeyErr(err); ok {
		code, _, _ := strings.Cut(said.Error(), " ")
		if code == "" || strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			code = "ERR"
		}
		switch code {
		case "LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "BUSY", "READONLY", "NOREPLICAS": // the last two while another takes over
			return fmt.Errorf("%w (%s): wait until it is ready", ErrCannot, code)
		}
		return &Error{code}
	}
	why := "see that it runs and that its address and certificate are right"
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return fmt.Errorf("%w in time: %s: %w", ErrCannot, why, errors.Join(ctxError(err)))
	}
	return fmt.Errorf("%w: %s", ErrCannot, why)
}

// ctxError keeps which of the two it was, and leaves the library's words out.
func ctxError(err error) error {
	if errors.Is(err, context.Canceled) {
		return context.Canceled
	}
	return context.DeadlineExceeded
}

// decode reads an answer of the protocol's second version.
func decode[T Reply](m vk.ValkeyMessage, what string) (reply T, err error) {
	if m.IsNil() {
		return reply, ErrNone
	}
	switch p := any(&reply).(type) {
	case *int64:
		*p, err = m.AsInt64()
	case *float64:
		*p, err = m.AsFloat64()
	case *string:
		*p, err = text(m)
	case *[]string:
		*p, err = list(m)
	case *map[string]string:
		var l []string
		if l, err = list(m); err == nil && len(l)%2 == 0 {
			*p = make(map[string]string, len(l)/2)
			for i := 0; i < len(l); i += 2 {
				(*p)[l[i]] = l[i+1]
			}
		} else {
			err = errShape
		}
	}
	if err != nil {
		return reply, fmt.Errorf("outbound/valkey: %s answers with something else than its declared type %T: declare it with the type that it has", what, reply)
	}
	return reply, nil
}

var errShape = errors.New("another shape")

func text(m vk.ValkeyMessage) (string, error) {
	if m.IsInt64() {
		n, err := m.AsInt64()
		return strconv.FormatInt(n, 10), err
	}
	return m.ToString()
}

func list(m vk.ValkeyMessage) ([]string, error) {
	all, err := m.ToArray()
	if err != nil {
		return nil, err
	}
	texts := make([]string, len(all))
	for i, one := range all {
		if one.IsNil() {
			continue
		}
		if texts[i], err = text(one); err != nil {
			return nil, err
		}
	}
	return texts, nil
}
