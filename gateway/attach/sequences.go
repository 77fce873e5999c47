package attach

import (
	"fmt"
	"maps"
	"slices"

	"consoled/gateway/screen"
)

// breakSequence sends the break sequence of a name, after asking where it is
// configured so.
func (s *session) breakSequence(name string) {
	seq, ok := s.console.Options().Manners.Breaks[name]
	if !ok {
		s.unknown("l?")
		return
	}
	if !seq.Confirm || !s.place.Client().MayBreak {
		s.playSequence(name)
		return
	}
	question := fmt.Sprintf("Send break sequence %s (%s)? (y/n): ", name, screen.Printable(seq.Send.String(), 60))
	s.open(question, func(answer string) {
		if !yes(answer) {
			s.notice("not sent.")
			return
		}
		s.playSequence(name)
	})
}

// listSequences is what l and a key send here.
func (s *session) listSequences() {
	all := s.console.Options().Manners.Breaks
	lines := []string{fmt.Sprintf("break sequences of %s, after %s:", s.console.Name(), s.key("l")), "  0  BREAK of 250 ms"}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		line := fmt.Sprintf("  %s  %s", name, screen.Printable(all[name].Send.String(), 60))
		if all[name].Confirm {
			line += " (asks first)"
		}
		lines = append(lines, line)
	}
	s.painter.say(paint{lines: lines, plain: true})
}
