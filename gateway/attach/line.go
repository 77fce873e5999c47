package attach

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"consoled/gateway/console"
	"consoled/ports"
)

// ClosedBy says who let go of a line, until when and why.
func ClosedBy(c *console.Closing) string {
	text := "by " + words(c.By)
	if !c.Until.IsZero() {
		text += " until " + c.Until.Format(time.DateTime)
	}
	if c.Why != "" {
		text += ": " + words(c.Why)
	}
	return text
}

// ModemLines is the lines that are up, "none is up", or "" where the line has
// none or is down.
func ModemLines(c *console.Console) string {
	lines, err := c.Modem()
	if err != nil {
		return ""
	}
	var up []string
	for _, l := range []struct {
		name string
		up   bool
	}{{"DTR", lines.DTR}, {"RTS", lines.RTS}, {"CTS", lines.CTS}, {"DSR", lines.DSR}, {"DCD", lines.DCD}, {"RI", lines.RI}} {
		if l.up {
			up = append(up, l.name)
		}
	}
	if up == nil {
		return "none is up"
	}
	return strings.Join(up, " ")
}

// Received is what the line's receiver met that no byte tells, or "" where
// nobody knows.
func Received(c *console.Console) string {
	met, err := c.Received()
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%d overruns, %d parity errors, %d framing errors, %d BREAKs", met.Overruns, met.Parity, met.Framing, met.Breaks)
}

// settings shows how the line is set, what its modem lines do and what came in
// on it besides bytes.
func (s *session) settings() {
	lines := []string{"line of " + s.console.Name() + ":", "  " + words(s.console.Options().Backend.String())}
	_, err := s.console.Modem()
	_, down := errors.AsType[*console.Refusal](err)
	switch {
	case down:
		lines = append(lines, "  it is "+stateText(s.console.Status().State))
	case ports.ReasonOf(err) == ports.Unsupported:
		lines = append(lines, "  it has no modem lines")
	case err != nil:
		lines = append(lines, "  modem lines: "+words(err.Error()))
	default:
		lines = append(lines, "  modem lines: "+ModemLines(s.console))
	}
	if met := Received(s.console); met != "" {
		lines = append(lines, "  received: "+met)
	}
	if on, can := s.console.SoftwareFlow(); can {
		lines = append(lines, "  software flow control is "+onOff(on)+"; "+s.key("c")+" switches it")
	}
	s.painter.say(paint{lines: lines, plain: true})
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

func stateText(st console.State) string {
	if st == console.Down {
		return "DOWN"
	}
	return string(st)
}

// switchFlow turns software flow control on or off, which a terminal server may
// take its time for.
func (s *session) switchFlow() {
	e := &s.errands
	if e.flowing {
		s.notice("not switched: a switch is on its way already.")
		return
	}
	e.flowing = true
	e.begin(s.place.SwitchFlow, func(err error) {
		e.flowing = false
		s.tellFailed("not switched", err)
	})
}

// closeLine lets go of the line, after a question.
func (s *session) closeLine() {
	if !s.place.Client().MayAdmin {
		s.notice("you may not close this line.")
		return
	}
	s.open("Let go of the line, so that another program can have it? (y/n): ", func(answer string) {
		if !yes(answer) {
			s.notice("not closed.")
			return
		}
		s.tellFailed("not closed", s.place.CloseLine("", 0))
	})
}

// reopenLine opens the line anew, or takes it again.
func (s *session) reopenLine() { s.tellFailed("not reopened", s.place.ReopenLine()) }

// tellFailed says what was not done, and why.
func (s *session) tellFailed(what string, err error) {
	if err != nil {
		s.notice(what + ": " + words(err.Error()) + ".")
	}
}
