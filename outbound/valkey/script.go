package valkey

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strconv"

	vk "github.com/valkey-io/valkey-go"

	"github.com/merlon-web/merlon/internal/place"
)

// A Script is a Lua script that the server runs as one step, declared as a package variable; T is its answer. It is safe for
// concurrent use.
type Script[T Reply] struct {
	s *script
}

type script struct {
	text, sum, where string
}

var (
	callWord  = regexp.MustCompile(`\bp?call\b`)
	callMade  = regexp.MustCompile(`\bredis\.p?call\(\s*(?:'([A-Z]+)'|"([A-Z]+)")\s*[,)]`)
	callByArg = regexp.MustCompile(`\bredis\.p?call\(\s*['"][A-Z]+['"]\s*,\s*ARGV\b`)
	makesCode = regexp.MustCompile(`\b(loadstring|load|loadfile|dofile|require|setfenv)\b`)
)

// NewScript declares a script. Names are in KEYS, values in ARGV. It panics, when the program starts, on a script that makes code
// or the name of a command of its values, or uses one as a key ([RuleScript]); and when it is called after a site has started.
//
//go:noinline
func NewScript[T Reply](text constant) *Script[T] {
	return &Script[T]{newScript(string(text), place.Caller(1).At)}
}

func newScript(text, where string) *script {
	if place.Sealed() {
		panic(RuleSealed.Finding(where, "a script is declared after the site started", "declare scripts as package variables").Error())
	}
	refuse := func(what, do string) { panic(RuleScript.Finding(where, what, do).Error()) }
	made := callMade.FindAllStringSubmatch(text, -1)
	switch word := makesCode.FindString(text); {
	case text == "":
		refuse("a script without a text", "write what the server is to run")
	case word != "":
		refuse(fmt.Sprintf("the script uses %s, which makes code of a text", word), "write all code in the script itself")
	case len(made) != len(callWord.FindAllString(text, -1)):
		refuse("the script has a call whose command is not written in it", "write redis.call('GET', …) with the command's name in capitals")
	case callByArg.MatchString(text):
		refuse("the script takes a value of ARGV for a key", "hand keys over as names: they are in KEYS")
	}
	for _, m := range made {
		name := m[1] + m[2]
		if _, known := shapes[name]; !known && name != "TIME" {
			refuse(fmt.Sprintf("the script calls %s", name), "use commands that read and write the values of the keys that they name")
		}
	}
	sum := sha1.Sum([]byte(text)) // the server's name for a script, no proof of anything
	return &script{text, hex.EncodeToString(sum[:]), where}
}

// Do runs the script with names in KEYS and values in ARGV. The names have the same first value. Its error is that of [Command.Do].
func (s *Script[T]) Do(ctx context.Context, client *Client, keys []Name, values ...Value) (reply T, err error) {
	texts := make([]string, len(values))
	for i, v := range values {
		if err := judgeValue(s.s.where, v); err != nil {
			return reply, err
		}
		texts[i] = v.text
	}
	if len(keys) == 0 {
		return reply, RuleValue.Finding(s.s.where, "a script runs without a key", "name the keys that it uses: a cluster finds its server by them")
	}
	if err := together(s.s.where, keys); err != nil {
		return reply, err
	}
	run := func(command, text string) (vk.ValkeyMessage, error) {
		return client.do(ctx, false, []string{command, text, strconv.Itoa(len(keys))}, keys, texts)
	}
	m, err := run("EVALSHA", s.s.sum)
	if refused, ok := errors.AsType[*Error](err); ok && refused.Code == "NOSCRIPT" {
		m, err = run("EVAL", s.s.text)
	}
	if err != nil {
		return reply, err
	}
	return decode[T](m, "the script")
}
