package gateway

import (
	"io"
	"sync"
)

// typed is how many bytes of input are taken from a channel at once.
const typed = 4 << 10

// An input is what comes in on a channel, as a reader that can be interrupted,
// or in the packets in which it came: the channel's own Read returns only when
// the client or the connection ends. Its goroutine starts with the first Read,
// or with Typed, and ends with the channel.
type input struct {
	c       *connection
	channel io.Reader
	packets chan []byte   // closed at the end
	stop    chan struct{} // closed by interrupt
	rest    []byte        // of the packet that is being read; the reader has it

	mu      sync.Mutex
	begun   bool
	stopped bool
	pump    sync.WaitGroup
}

func (i *input) init(c *connection, channel io.Reader) {
	i.c, i.channel = c, channel
	i.packets, i.stop = make(chan []byte), make(chan struct{})
}

// Read reads what the client sent; io.EOF when it sends no more.
func (i *input) Read(p []byte) (int, error) {
	i.begin()
	if len(i.rest) == 0 {
		select {
		case i.rest = <-i.packets:
		case <-i.stop:
			i.rest = nil
		}
		if len(i.rest) == 0 {
			return 0, io.EOF
		}
	}
	n := copy(p, i.rest)
	i.rest = i.rest[n:]
	return n, nil
}

// Typed has what the client sends, without a Read in between. The channel is
// closed when it sends no more; an interrupt is for who waits for it to know.
func (i *input) Typed() <-chan []byte {
	i.begin()
	return i.packets
}

func (i *input) begin() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.begun || i.stopped {
		return
	}
	i.begun = true
	i.pump.Go(func() {
		defer i.c.caught("input")
		defer close(i.packets)
		for buf := make([]byte, typed); ; {
			n, err := i.channel.Read(buf)
			if n > 0 && !i.hand(append([]byte(nil), buf[:n]...)) || err != nil {
				return // its reader hears of an error as the end
			}
		}
	})
}

// hand gives a packet to the reader; false after an interrupt.
func (i *input) hand(packet []byte) bool {
	select {
	case i.packets <- packet:
		return true
	case <-i.stop:
		return false
	}
}

// interrupt makes a Read that is blocked, and every later one, return io.EOF.
func (i *input) interrupt() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.stopped {
		i.stopped = true
		close(i.stop)
	}
}

// end waits for the goroutine, which the end of the channel ends.
func (i *input) end() {
	i.interrupt()
	i.pump.Wait()
}
