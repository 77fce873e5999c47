package gateway

import (
	"io"
	"sync"
)

// typed is how many bytes of input are taken from a channel at once.
const typed = 8 << 10

// An input is what comes in on a channel, as a reader that can be interrupted:
// the channel's own Read returns only when the client or the connection ends.
// Its goroutine starts with the first Read and ends with the channel.
type input struct {
	c       *connection
	channel io.Reader
	near    *io.PipeReader
	far     *io.PipeWriter

	mu      sync.Mutex
	begun   bool
	stopped bool
	pump    sync.WaitGroup
}

func (i *input) init(c *connection, channel io.Reader) {
	i.c, i.channel = c, channel
	i.near, i.far = io.Pipe()
}

// Read reads what the client sent; io.EOF when it sends no more.
func (i *input) Read(p []byte) (int, error) {
	i.begin()
	return i.near.Read(p)
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
		// It ends by the channel's end or an interrupt; the reader hears of both as an end of file.
		_, _ = io.CopyBuffer(struct{ io.Writer }{i.far}, struct{ io.Reader }{i.channel}, make([]byte, typed))
		_ = i.far.Close()
	})
}

// interrupt makes a Read that is blocked, and every later one, return io.EOF.
func (i *input) interrupt() {
	i.mu.Lock()
	i.stopped = true
	i.mu.Unlock()
	// It always returns nil.
	_ = i.far.Close()
}

// end waits for the goroutine, which the end of the channel ends.
func (i *input) end() {
	i.interrupt()
	i.pump.Wait()
}
