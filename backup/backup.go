// Package backup keeps sealed points of a site elsewhere, and proves that they can be restored.
package backup
