//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// peopleRole is the argument that makes this program play the people. They live
// in a process of their own: in one with the devices, a hundred terminals that
// decrypt would hold up the very writes whose delay is measured, and a busy
// fleet the keystrokes.
const peopleRole = "people"

// A request to the people. Do is one of watch, count, stall, leave, echo.
type request struct {
	Do   string
	Call call
	N    int // watchers to come or to stall, keys to type
}

// A reply of the people.
type reply struct {
	Error    string
	EchoPort int     // in the first reply, which nobody asked for
	Counts   []int64 // bytes that each watcher has read
	P50, P99 time.Duration
}

// people is the process that plays them.
type people struct {
	cmd      *exec.Cmd
	in       io.WriteCloser
	out      *json.Decoder
	echoPort int // of the device that sends back what it gets
}

func startPeople(ctx context.Context) (*people, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &people{cmd: exec.CommandContext(ctx, self, peopleRole)}
	p.cmd.Stderr = os.Stderr
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = json.NewDecoder(out)
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	first, err := p.answer()
	if err != nil {
		return nil, errors.Join(err, p.end())
	}
	p.echoPort = first.EchoPort
	return p, nil
}

// ask has the people do something, and waits until it is done.
func (p *people) ask(r request) (reply, error) {
	text, err := json.Marshal(r)
	if err == nil {
		_, err = p.in.Write(text)
	}
	if err != nil {
		return reply{}, err
	}
	return p.answer()
}

func (p *people) answer() (r reply, err error) {
	if err = p.out.Decode(&r); err != nil {
		return r, fmt.Errorf("people: %w", err)
	}
	if r.Error != "" {
		return r, errors.New(r.Error)
	}
	return r, nil
}

func (p *people) end() error {
	return errors.Join(p.in.Close(), p.cmd.Wait())
}

// servePeople is the other side: the people themselves.
func servePeople(ctx context.Context, in io.Reader, out io.Writer) error {
	device, err := startEcho()
	if err != nil {
		return err
	}
	defer device.stop()
	crowd := &crowd{}
	defer crowd.leave()
	enc, dec := json.NewEncoder(out), json.NewDecoder(in)
	err = enc.Encode(reply{EchoPort: device.port()})
	for err == nil {
		var r request
		if err = dec.Decode(&r); err == nil {
			err = enc.Encode(crowd.serve(ctx, r))
		}
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func (c *crowd) serve(ctx context.Context, r request) (a reply) {
	var err error
	switch r.Do {
	case "watch":
		err = c.come(ctx, r.Call, r.N)
	case "count":
	case "stall":
		c.stall(r.N)
	case "leave":
		c.leave()
	case "echo":
		a.P50, a.P99, err = typeKeys(ctx, r.Call, r.N)
	default:
		err = fmt.Errorf("people cannot %q", r.Do)
	}
	a.Counts = c.counts()
	if err != nil {
		a.Error = err.Error()
	}
	return a
}
