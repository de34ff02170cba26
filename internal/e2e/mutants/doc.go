// Package mutants takes the guards of the house out, one by one, and holds that somebody notices: a test that is named, or the
// site's own attacker (docs/attack.md, "How it is proven").
//
// A guard that can be removed while everything stays green is not proven to matter. Nothing of the product knows of this: the
// go command compiles the changed text in the place of the file (-overlay).
package mutants
