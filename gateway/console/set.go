package console

import (
	"context"
)

// A Set is the consoles by name, each with its running goroutine. It applies
// differences: what did not change keeps its line and its people.
type Set struct{}

// NewSet makes an empty set whose consoles live until ctx ends at the latest.
func NewSet(ctx context.Context) *Set { panic("contract") }

// Get finds a console by exact name or alias, without regard to case.
func (s *Set) Get(name string) (*Console, bool) { panic("contract") }

// All lists the consoles in natural order of names. The slice is shared: read only.
func (s *Set) All() []*Console { panic("contract") }

// Wait returns when every console has ended, after ctx's end.
func (s *Set) Wait() { panic("contract") }
