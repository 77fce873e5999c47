package ports

import (
	"context"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// turn is how long the descriptors are left alone between two looks at them.
// No port whose Patience is shorter has a place in the rounds.
const turn = 100 * time.Millisecond

// Rounds look at the lines that nobody watches all together, ten times a
// second: recording costs by the wake-up, and one goroutine that is woken for
// thousands of lines costs less than thousands that are. What a line says
// after a silence is collected at once.
//
// The kernel tells which lines have something to say; so a silent one costs
// nothing at all. They are collected by a few goroutines that take one after
// the other; as many more are started as hang, since the disk or the line of one
// console must not hold up another.
type Rounds struct {
	file   *os.File // the epoll set, itself in the runtime's poller
	raw    syscall.RawConn
	events []unix.EpollEvent // room for all members
	found  int

	mu      sync.Mutex // no I/O under it
	members map[int32]*member
	next    int32
	queue   []*member // to be collected
	workers int
	group   sync.WaitGroup
}

// A member is a line in the rounds.
type member struct {
	collect func()
	queued  bool // in the queue, or being collected
}

// NewRounds makes rounds without any line. It is nil where the system has no
// descriptor left for them: then every line is read by itself.
func NewRounds() *Rounds {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil
	}
	if err := unix.SetNonblock(fd, true); err != nil { // which makes the runtime wait for it
		unix.Close(fd)
		return nil
	}
	r := &Rounds{
		file: os.NewFile(uintptr(fd), "rounds"), events: make([]unix.EpollEvent, 64), members: make(map[int32]*member),
	}
	if r.raw, err = r.file.SyscallConn(); err != nil {
		r.file.Close()
		return nil
	}
	return r
}

// Join takes a line into the rounds: collect is called each time there is
// something to read, never twice at a time. It reports false where the line
// cannot be looked at this way, and then does nothing. leave takes the line out; a
// call of collect may be under way still when it returns.
func (r *Rounds) Join(p Port, collect func()) (leave func(), ok bool) {
	polled, ok := p.(Polled)
	if r == nil || !ok || polled.Descriptor() == nil || polled.Patience() < turn {
		return nil, false
	}
	r.mu.Lock()
	r.next++
	for r.next < 0 || r.members[r.next] != nil { // after two thousand million lines
		r.next++
	}
	token := r.next
	r.members[token] = &member{collect: collect}
	r.mu.Unlock()
	descriptor := polled.Descriptor()
	err := control(descriptor, func(fd int) error {
		return r.control(unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: token})
	})
	if err != nil {
		r.forget(token)
		return nil, false
	}
	return func() {
		// A descriptor that is closed has left the set by itself.
		_ = control(descriptor, func(fd int) error { return r.control(unix.EPOLL_CTL_DEL, fd, nil) })
		r.forget(token)
	}, true
}

func (r *Rounds) control(op, fd int, event *unix.EpollEvent) error {
	return control(r.raw, func(set int) error { return unix.EpollCtl(set, op, fd, event) })
}

func (r *Rounds) forget(token int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.members, token)
}

// Run makes the rounds until ctx ends, and then lets go of what they hold.
func (r *Rounds) Run(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() { r.file.Close() })
	defer r.group.Wait()
	defer stop()
	pause := time.NewTimer(turn)
	defer pause.Stop()
	for r.raw.Read(r.look) == nil {
		r.start()
		pause.Reset(turn)
		select {
		case <-pause.C:
		case <-ctx.Done():
		}
	}
}

// look asks which lines are ready; false lets the runtime wait for one.
func (r *Rounds) look(set uintptr) bool {
	for {
		n, err := unix.EpollWait(int(set), r.events[:], 0)
		if err != unix.EINTR {
			r.found = max(n, 0)
			return n != 0
		}
	}
}

// start queues what was found. Workers that are there still from the last turn
// may hang, so that twice as many come.
func (r *Rounds) start() {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer r.fit()
	for _, e := range r.events[:r.found] {
		if m := r.members[e.Fd]; m != nil && !m.queued {
			m.queued = true
			r.queue = append(r.queue, m)
		}
	}
	most := max(runtime.GOMAXPROCS(0), 2*r.workers)
	for range min(len(r.queue), most-r.workers) {
		r.workers++
		r.group.Go(r.work)
	}
}

// fit makes room for events of all members. What a turn had no room for, the
// next one is told. mu is held.
func (r *Rounds) fit() {
	if n := len(r.members); n > len(r.events) {
		r.events = make([]unix.EpollEvent, n+n/4)
	}
}

// work collects until there is nothing left to collect.
func (r *Rounds) work() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.queue) > 0 {
		m := r.queue[0]
		r.queue[0] = nil
		if r.queue = r.queue[1:]; len(r.queue) == 0 {
			r.queue = nil
		}
		r.mu.Unlock()
		m.collect()
		r.mu.Lock()
		m.queued = false
	}
	r.workers--
}
