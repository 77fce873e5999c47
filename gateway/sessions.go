package gateway

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// sessions are the open ones by their id.
type sessions struct {
	mu    sync.Mutex
	byID  map[string]*session
	empty chan struct{} // closed when the last one has ended; nil where nobody waits
}

// add takes a session in unless its connection or its key has as many as it may.
func (l *sessions) add(s *session, perConnection, perKey int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	ofConnection, ofKey := 0, 0
	for _, o := range l.byID {
		if o.c == s.c {
			ofConnection++
		}
		if o.proof.identity.Fingerprint == s.proof.identity.Fingerprint {
			ofKey++
		}
	}
	if ofConnection >= perConnection {
		return fmt.Errorf("a connection may have %d sessions", perConnection)
	}
	if perKey > 0 && ofKey >= perKey {
		return fmt.Errorf("your key may have %d sessions", perKey)
	}
	if l.byID == nil {
		l.byID = map[string]*session{}
	}
	l.byID[s.id] = s
	return nil
}

func (l *sessions) remove(s *session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.byID, s.id)
	if len(l.byID) == 0 && l.empty != nil {
		close(l.empty)
		l.empty = nil
	}
}

// get finds an open session.
func (l *sessions) get(id string) (*session, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s, ok := l.byID[id]
	return s, ok
}

// all lists the open sessions.
func (l *sessions) all() []*session {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Values(l.byID))
}

func (l *sessions) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.byID)
}

// wait waits until no session is open, no longer than d.
func (l *sessions) wait(d time.Duration) {
	l.mu.Lock()
	if len(l.byID) == 0 {
		l.mu.Unlock()
		return
	}
	empty := make(chan struct{})
	l.empty = empty
	l.mu.Unlock()
	select {
	case <-empty:
	case <-time.After(d):
	}
}
