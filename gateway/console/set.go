package console

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"consoled/gateway/names"
	"consoled/ports"
)

// farewell is how long people stay on a console that was removed.
const farewell = 10 * time.Second

// A Set is the consoles by name, each with its running goroutine. It applies
// differences: what did not change keeps its line and its people.
type Set struct {
	ctx   context.Context // the life of the consoles; its cause is their goodbye
	tasks sync.WaitGroup
	view  atomic.Pointer[view] // what readers see
	gate  gate                 // of all the records

	resting sync.Once
	rounds  *ports.Rounds

	mu      sync.Mutex // one Apply at a time
	running map[*Console]*life
	leaving map[string]*life // removed, and saying goodbye, by name in lower case
}

// A view is the set at one moment. It is never changed.
type view struct {
	all    []*Console          // natural order of names
	byName map[string]*Console // names and aliases in lower case
}

// A life is a running console: how to end it, and its end.
type life struct {
	end   context.CancelCauseFunc
	ended chan struct{}
}

// A Difference is what a new configuration does to a Set.
type Difference struct {
	Add    []Options
	Change []Change
	Remove []string // names
}

// A Change is new settings for a console that stays.
type Change struct {
	Options
	Reopen bool // the line itself changed
}

// NewSet makes an empty set whose consoles live until ctx ends at the latest.
func NewSet(ctx context.Context) *Set {
	s := &Set{ctx: ctx, gate: newGate(flushes), running: map[*Console]*life{}, leaving: map[string]*life{}}
	s.view.Store(&view{})
	return s
}

// Get finds a console by exact name or alias, without regard to case.
func (s *Set) Get(name string) (*Console, bool) {
	c, ok := s.view.Load().byName[strings.ToLower(name)]
	return c, ok
}

// All lists the consoles in natural order of names. The slice is shared: read only.
func (s *Set) All() []*Console { return s.view.Load().all }

// Wait returns when every console has ended, after ctx's end.
func (s *Set) Wait() { s.tasks.Wait() }

// Apply makes the difference, whole or, where it returns an error, not at all.
// People on a removed console are told why, and have ten seconds. A name that
// is added while its predecessor still says goodbye ends that first.
func (s *Set) Apply(d Difference, why string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget()
	added, err := s.open(d.Add)
	if err != nil {
		return err
	}
	gone := map[*Console]bool{}
	for _, name := range d.Remove {
		if c, ok := s.Get(name); ok {
			gone[c] = true
		}
	}
	for _, ch := range d.Change {
		if c, ok := s.Get(ch.Subject.Name); ok {
			c.Update(ch.Options, ch.Reopen)
		}
	}
	all := slices.DeleteFunc(slices.Clone(s.All()), func(c *Console) bool { return gone[c] })
	s.show(append(all, added...))
	for c := range gone {
		s.remove(c, why)
	}
	for _, c := range added {
		s.start(c)
	}
	return nil
}

// open makes the consoles to be added, all or none of them.
func (s *Set) open(options []Options) (added []*Console, _ error) {
	for _, o := range options {
		s.hurry(strings.ToLower(o.Subject.Name))
		c, err := New(o)
		if err != nil {
			for _, c := range added {
				err = errors.Join(err, c.record.Close())
			}
			return nil, err
		}
		c.fresh.gate, c.rounds = s.gate, s.restingPlace
		added = append(added, c)
	}
	return added, nil
}

// restingPlace is the rounds of all the lines, made for the first that can rest.
func (s *Set) restingPlace() *ports.Rounds {
	s.resting.Do(func() {
		if s.rounds = ports.NewRounds(); s.rounds != nil {
			s.tasks.Go(func() { s.rounds.Run(s.ctx) })
		}
	})
	return s.rounds
}

// hurry ends what still says goodbye under a name: two records never write one folder.
func (s *Set) hurry(name string) {
	if l, ok := s.leaving[name]; ok {
		l.end(errors.New("configured anew"))
		<-l.ended
		delete(s.leaving, name)
	}
}

// forget lets go of what has said its goodbye.
func (s *Set) forget() {
	for name, l := range s.leaving {
		select {
		case <-l.ended:
			delete(s.leaving, name)
		default:
		}
	}
}

// show makes a new view of the consoles.
func (s *Set) show(all []*Console) {
	v := &view{all: all, byName: make(map[string]*Console, len(all))}
	key := make(map[*Console]string, len(all))
	for _, c := range all {
		subject := c.Options().Subject
		key[c] = subject.Name
		v.byName[strings.ToLower(subject.Name)] = c
		for _, alias := range subject.Aliases {
			v.byName[strings.ToLower(alias)] = c
		}
	}
	slices.SortFunc(all, func(a, b *Console) int { return names.Compare(key[a], key[b]) })
	s.view.Store(v)
}

// start runs a console until the set's or its own end.
func (s *Set) start(c *Console) {
	ctx, end := context.WithCancelCause(s.ctx)
	l := &life{end: end, ended: make(chan struct{})}
	s.running[c] = l
	s.tasks.Go(func() {
		c.Run(ctx)
		end(nil)
		close(l.ended)
	})
}

// remove ends a console after its people were told.
func (s *Set) remove(c *Console, why string) {
	l := s.running[c]
	delete(s.running, c)
	s.leaving[strings.ToLower(c.Name())] = l
	cause := fmt.Errorf("removed from the configuration%s", why)
	if len(c.Status().Clients) == 0 {
		l.end(cause)
		return
	}
	c.tell(Event{Kind: KindGoodbye, Why: fmt.Sprintf("%s; closing in %s", cause, farewell)})
	timer := time.AfterFunc(farewell, func() { l.end(cause) })
	s.tasks.Go(func() {
		<-l.ended
		timer.Stop()
	})
}
