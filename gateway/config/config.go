// Package config turns the YAML into expanded, comparable descriptions of
// consoles. It builds and opens nothing. Every mistake has a place
// (file:line:column) and, where one can be guessed, a suggestion.
//
// The files are read into values that know where they stand. The layers of a
// console (defaults, templates, its own entry) are merged once for each entry,
// whatever its range; what differs from console to console (${...}) is read
// once for each console. All mistakes are collected before Load returns.
package config

import (
	"crypto/sha256"
	"time"

	"consoled/auth"
	"consoled/gateway/action"
	"consoled/gateway/console"
	"consoled/gateway/dialogue"
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
	Reconnect   console.Reconnect
	Connect     dialogue.Script
	Manners     console.Manners
	Lock        console.LockOptions
	Actions     action.List
	NoLog       bool               // log: none
	Escape      string             // "" means the default ^Ec; "none" none
	NoTitle     bool               // title: false
	Settings    Settings           // every key in force; what comparing and --expand use
	Bindings    map[string]binding // of the keys that hold secrets: what these are bound to
	Place       string             // file:line:column of its definition
}

// A binding tells a secret that is defined otherwise than before, without telling it.
type binding [sha256.Size]byte
