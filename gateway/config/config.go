// Package config turns the YAML into expanded, comparable descriptions of
// consoles. It builds and opens nothing. Every mistake has a place
// (file:line:column) and, where one can be guessed, a suggestion.
package config

import (
	"time"

	"consoled/auth"
	"consoled/gateway/console"
	"consoled/gateway/names"
	"consoled/ports"
)

// A Config is a whole checked configuration.
type Config struct {
	Files    []string // every file read, the main one first; absolute
	Listen   []string
	StateDir string
	HostKeys []string
	Auth     Auth
	Log      Log
	Limits   Limits
	Suffixes []string          // cut off login names: .con, .console by default
	Consoles []Console         // natural order of names
	Groups   map[string]string // name to selector text
	Roles    []auth.Role
	Denies   []auth.Deny
	Warnings []Problem
}

// Auth is where keys come from.
type Auth struct {
	Keys         []string // files and globs, absolute; a file in a folder keys.d or matched by a glob names its identity
	DefaultGrant auth.Rights
	Contact      string
}

// Log is where records lie.
type Log struct {
	Dir   string // absolute; by default "consoles" in the state directory
	Group string // group that may read; empty: nobody
}

// Limits bound what clients can use up; every one has a safe default.
type Limits struct {
	Connections    int           // at once; 2000
	HalfOpen       int           // connections before authentication; 200
	PerAddress     int           // half-open ones from one address; 50
	Sessions       int           // a connection; 10
	Handshake      time.Duration // 30 s
	Keepalive      time.Duration // 30 s
	KeepaliveCount int           // 3
	AuthTries      int           // 20
}

// A Console is one console as configured, after templates and ranges.
type Console struct {
	Subject     names.Subject
	Description string
	MOTD        string
	Backend     ports.Backend
	Lock        console.LockOptions
	NoLog       bool              // log: none
	Escape      string            // "" means the default ^Ec; "none" none
	NoTitle     bool              // title: false
	Settings    map[string]string // every key in force, by its canonical rendering; what comparing and --expand use
	Place       string            // file:line:column of its definition
}

// Load reads a configuration file and what it includes. Its error is a
// Problems; the Config is nil then.
func Load(path string) (*Config, error) { panic("contract") }

// A Problem is a mistake with its place.
type Problem struct {
	File         string
	Line, Column int
	Text         string // one line, with the suggestion
	Excerpt      string // the line of the file and a caret below it; may be empty
	Warning      bool
}

// Problems is every mistake of a configuration, in the order of files and lines.
type Problems []Problem

// Error is all of them, one a line, with excerpts and a count at the end.
func (p Problems) Error() string { panic("contract") }

// Changed lists the keys that differ between two descriptions of a console, and
// whether its line must be opened anew for them.
func Changed(old, new Console) (keys []string, reopen bool) { panic("contract") }
