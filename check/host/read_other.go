//go:build !linux

package host

func (d *Data) readSystem() {}

func (f *Facts) readSystem() { f.NoSwaps = true }
