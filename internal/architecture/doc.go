// Package architecture holds the import rules of this module as a test.
package architecture
