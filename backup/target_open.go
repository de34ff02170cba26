package backup

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
)

// OpenTarget opens the place that an address names: a folder, which is built in, or what one of the schemes opens.
func OpenTarget(ctx context.Context, address string, s Settings, schemes []Scheme) (Target, error) {
	wrong := func(why, advice string) error {
		// Not the address: what is wrong with it may be a password in it.
		return &TargetError{Op: "open", Target: "the address given", Kind: ErrAddress, Err: errors.New(why), Advice: advice}
	}
	all := append([]Scheme{fileScheme}, schemes...)
	u, err := url.Parse(address)
	if err == nil && filepath.IsAbs(address) && u.Scheme == "" {
		return nil, wrong("it is the path of a folder, and no URL", "write it as one: "+(&url.URL{Scheme: "file", Path: address}).String())
	}
	if err != nil || u.Scheme == "" {
		var examples []string
		for _, scheme := range all {
			examples = append(examples, scheme.Example)
		}
		return nil, wrong("it is no URL", "write it like "+strings.Join(examples, " or "))
	}
	if _, has := u.User.Password(); has {
		return nil, wrong("it holds a password, and addresses are shown and logged", "change that password, then name the file that holds the new one in the settings")
	}
	i := slices.IndexFunc(all, func(scheme Scheme) bool { return scheme.Name == u.Scheme })
	if i < 0 {
		return nil, wrong(fmt.Sprintf("nothing here opens %q", u.Scheme), "list its scheme where the site lists backup.New: backup.Config{Schemes: …}")
	}
	for name := range s {
		if !slices.ContainsFunc(all[i].Options, func(o Option) bool { return o.Name == name }) {
			return nil, wrong(fmt.Sprintf("%s has no setting %q", u.Scheme, name), "")
		}
	}
	return all[i].Open(ctx, u, s)
}
