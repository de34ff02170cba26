//go:build !unix

package cli

import "errors"

func become(owner, []string) error { return errors.ErrUnsupported }
