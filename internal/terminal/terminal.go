// Package terminal knows whether a person sits at a file, and reads what is typed there without showing it.
package terminal
