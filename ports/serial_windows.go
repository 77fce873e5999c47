package ports

import (
	"context"
	"errors"
	"os"
	"sync/atomic"
	"time"

	"go.bug.st/serial"
)

const onePointFive = serial.OnePointFiveStopBits

// supported: the library sets no flow control here, and no other lines.
func (s Serial) supported() error {
	if s.flow() != "none" {
		return s.unsupported(s.Flow + " flow control")
	}
	if s.HUPCL {
		return s.unsupported("hupcl")
	}
	return nil
}

// Open opens the device. Windows itself keeps a second one out.
func (s Serial) Open(ctx context.Context) (Port, error) {
	op := "open " + s.String()
	if ctx.Err() != nil {
		return nil, Ended(ctx, op)
	}
	if err := s.Check(); err != nil {
		return nil, &Error{Reason: Failed, Op: op, Err: err}
	}
	mode := s.mode()
	if s.DTR != "" || s.RTS != "" {
		mode.InitialStatusBits = &serial.ModemOutputBits{DTR: s.DTR != "off", RTS: s.RTS != "off"}
	}
	port, err := serial.Open(s.Path, mode)
	if err != nil {
		return nil, classifySerial(op, err)
	}
	return &line{port: port, what: s.String()}, nil
}

func classifySerial(op string, err error) error {
	if e, ok := errors.AsType[*serial.PortError](err); ok {
		switch e.Code() {
		case serial.PortBusy:
			return &Error{Reason: InUse, Op: op}
		case serial.PortNotFound:
			return &Error{Reason: Gone, Op: op}
		case serial.PermissionDenied:
			return &Error{Reason: Denied, Op: op}
		case serial.PortClosed:
			return &Error{Reason: Failed, Op: op, Err: os.ErrClosed}
		}
	}
	return Classify(op, err)
}

// A line is an open serial device.
type line struct {
	port   serial.Port
	what   string
	closed atomic.Bool
}

func (l *line) Read(p []byte) (int, error) {
	for {
		n, err := l.port.Read(p)
		switch {
		case l.closed.Load():
			return n, &Error{Reason: Failed, Op: "read " + l.what, Err: os.ErrClosed}
		case err != nil:
			return n, classifySerial("read "+l.what, err)
		case n > 0 || len(p) == 0:
			return n, nil
		}
	}
}

func (l *line) Write(p []byte) (int, error) {
	n, err := l.port.Write(p)
	if err != nil {
		err = classifySerial("write "+l.what, err)
	}
	return n, err
}

// Break sends a break.
func (l *line) Break(d time.Duration) error {
	if err := l.port.Break(d); err != nil {
		return classifySerial("break "+l.what, err)
	}
	return nil
}

func (l *line) Close() error {
	if !l.closed.Swap(true) {
		l.port.Close()
	}
	return nil
}
