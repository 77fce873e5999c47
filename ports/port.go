// Package ports reaches the hardware: it holds the contract between a console
// and its line, and one file for each small backend. Backends with a codec or
// several files of their own live in sub-packages, which import this one; this
// one imports none of them.
//
// A backend is a comparable description (a config struct) with Check and Open.
// What Open returns is a Port: bytes in, bytes out, and optional abilities
// found by assertion (Breaker, TryReader, Remarker, Modem, Receiver, FlowSwitch). A Backend
// has an optional ability too: Taker.
package ports

import (
	"context"
	"io"
	"syscall"
	"time"
)

// A Backend is a configured way to reach a console. It is a value decoded from
// the configuration; it holds no open line.
type Backend interface {
	// Check says what is wrong with the settings, or that this operating
	// system lacks what they need, without touching the line.
	Check() error
	// Open opens the line. It returns promptly with ctx's cause when ctx ends.
	// Its error is an *Error, so that the reason can be told to people.
	Open(ctx context.Context) (Port, error)
	// String is the kind and the address, such as "telnet ts1:2001" or
	// "serial /dev/ttyUSB0 115200 8n1". It never holds a secret, and is printed
	// only after escaping.
	String() string
}

// A Port is an open connection to a console's hardware. Close makes a blocked
// Read or Write return at once, and may be called twice and from any
// goroutine. One goroutine reads while another writes. A Read that finds the
// line ended returns an *Error with the reason, never a bare io.EOF.
type Port interface{ io.ReadWriteCloser }

// A Breaker is a Port that can send a serial break. Break returns when the
// break is over; it may be called while a Read is blocked, and is not called
// while a Write is under way.
type Breaker interface {
	Break(d time.Duration) error
}

// A TryReader is a Port that is read without holding a buffer while the line
// is silent, and that may be left alone for a while when nobody watches.
type TryReader interface {
	// Wait blocks until TryRead would find bytes, the end of the line, or an
	// error; Close ends it with an error.
	Wait() error
	// TryRead reads what has arrived, without waiting. It returns 0, nil when
	// there is nothing, which may happen after Wait too (a telnet command). An
	// error may come with the last bytes.
	TryRead(p []byte) (int, error)
	// Patience is how long the kernel's buffer may be left alone at this line's
	// usual speed before the sender is held up; 0 means it must be read as bytes come.
	Patience() time.Duration
}

// A Taker is a Backend whose line somebody else may hold, as a BMC has one SOL
// session: Open leaves it to them where the settings say so, with the
// reason InUse, and Take takes it from them.
type Taker interface {
	Backend
	Take(ctx context.Context) (Port, error)
}

// A Polled is a TryReader over a descriptor, which the kernel can tell to be
// readable among thousands of others; see Rounds.
type Polled interface {
	TryReader
	// Descriptor is readable when TryRead, after it has once found nothing,
	// would find something; nil where there is none after all.
	Descriptor() syscall.RawConn
	// Rouse makes a Wait return, the one under way or the next, though there is
	// nothing to read. Any goroutine may call it, at any time.
	Rouse()
}

// A Remarker is a Port whose opening is worth a line to the people attached,
// such as "BMC had another SOL session; closed it and connected". An empty
// remark is none. It is printed only after escaping.
type Remarker interface {
	Remark() string
}

// A Lossy is a Port that learns that output was lost on its way here, as from a
// BMC or a UART that could not keep up. Losses is how often that was since the
// line was opened; how much it was nobody knows.
type Lossy interface {
	Losses() int
}

// Lines is the state of the modem lines: what we raise (DTR, RTS), and what
// the other end does.
type Lines struct {
	DTR, RTS          bool
	CTS, DSR, DCD, RI bool
}

// A Modem is a Port that knows its modem lines. The call does not wait for the
// other end: it tells what was last known.
type Modem interface {
	Modem() (Lines, error)
}

// Receptions count what a serial receiver met since the line was opened that no
// byte tells.
type Receptions struct {
	Overruns int // bytes came faster than they were taken, and some are lost
	Parity   int // bytes came with the wrong parity
	Framing  int // bytes came without their stop bit: mostly a wrong speed
	Breaks   int // the other end sent a BREAK
}

// A Receiver is a Port that knows what its serial receiver met. The call does
// not wait for the other end: it tells what was last known.
type Receiver interface {
	Received() (Receptions, error)
}

// A FlowSwitch is a Port whose software flow control (XON/XOFF) can be switched
// while it is open, for the writer's ^Ecc. It holds until the line is opened anew.
type FlowSwitch interface {
	SoftwareFlow() bool
	SetSoftwareFlow(on bool) error
}
