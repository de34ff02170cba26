//go:build !linux

package swap

import "errors"

func mountOver(string) error { return errors.ErrUnsupported }

func unmount(string) error { return errors.ErrUnsupported }
