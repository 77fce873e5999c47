package attach

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"consoled/gateway/console"
)

// A key is an escape key: what it does and who may use it.
type key struct {
	keys string // as help shows it, after the escape sequence
	does string
	may  func(console.Client) bool
}

func anybody(console.Client) bool     { return true }
func mayWrite(cl console.Client) bool { return cl.MayWrite }
func mayForce(cl console.Client) bool { return cl.MayForce }
func mayBreak(cl console.Client) bool { return cl.MayBreak }
func mayPower(cl console.Client) bool { return cl.MayPower }
func mayAdmin(cl console.Client) bool { return cl.MayAdmin }

// keys is what help lists, in its order.
var keys = [...]key{
	{".", "leave", anybody},
	{"?", "these keys", anybody},
	{"a", "take write if it is free or yours elsewhere; else say who has it", mayWrite},
	{"s", "back to watching: give write back", mayWrite},
	{"f", "force: take write from whoever has it (asks for a reason)", mayForce},
	{"B or l0", "send BREAK", mayBreak},
	{"l1 .. lz", "send a break sequence; l? lists those of this console", mayBreak},
	{"y", "SysRq: BREAK, then the next key (h lists them)", mayBreak},
	{"!", "actions: power and what else is configured; stop the one you run", mayPower},
	{"w", "who is here", anybody},
	{"i", "information about this console", anybody},
	{"x", "line settings, modem lines, receive errors", anybody},
	{"c", "software flow control on or off", mayWrite},
	{"d", "close: let go of the line for another program (asks)", mayAdmin},
	{"o", "reopen the line; takes it where somebody else holds it", mayAdmin},
	{"r / p", "the last 20 / 60 lines again", anybody},
	{"g", "what you may do here", anybody},
	{"v", "version", anybody},
}

// key writes an escape key as people type it: "^Ec .".
func (s *session) key(k string) string {
	if len(s.escape.seq) == 0 {
		return "~" + k // OpenSSH's own, the only one left
	}
	var text strings.Builder
	for _, b := range s.escape.seq {
		if b < ' ' || b == 0x7f {
			fmt.Fprintf(&text, "^%c", b^0x40)
		} else {
			text.WriteByte(b)
		}
	}
	return text.String() + " " + k
}

// command does what an escape key asks for.
func (s *session) command(key, arg byte) {
	switch key {
	case '.':
		s.noteShell()
		s.leave(ExitLeft)
	case '?':
		s.help()
	case 'a':
		s.ask()
	case 's':
		if err := s.place.Release(); err != nil {
			s.notice("you are not writing.")
		}
	case 'f':
		s.force()
	case 'w':
		s.who()
	case 'i':
		s.information()
	case 'r':
		s.again(20)
	case 'p':
		s.again(60)
	case 'B':
		s.plainBreak(0)
	case 'y':
		s.sysRq(arg)
	case '!':
		s.actions()
	case 'x':
		s.settings()
	case 'c':
		s.switchFlow()
	case 'd':
		s.closeLine()
	case 'o':
		s.reopenLine()
	case 'l':
		switch arg {
		case '0':
			s.plainBreak(0)
		case '?':
			s.listSequences()
		default:
			s.breakSequence(string(rune(arg)))
		}
	case 'v':
		s.notice("consoled " + words(s.o.Version))
	case 'g':
		s.notice(words(s.o.Rights()))
	case '\r', '\n':
	default:
		s.unknown("?")
	}
}

func (s *session) unknown(list string) { s.notice("no such key; " + s.key(list) + " lists them") }

// HelpKeys lists the keys that a client may use, a line each; nil is for all.
func HelpKeys(cl *console.Client) (lines []string) {
	for _, k := range keys {
		if cl == nil || k.may(*cl) {
			lines = append(lines, fmt.Sprintf("  %-8s %s", k.keys, k.does))
		}
	}
	return lines
}

func (s *session) help() {
	lines := []string{"keys, after " + strings.TrimSpace(s.key("")) + ":"}
	cl := s.place.Client()
	lines = append(lines, HelpKeys(&cl)...)
	lines = append(lines, "  of ssh itself, after Enter: ~B sends BREAK, ~. leaves")
	s.painter.say(paint{lines: lines, plain: true})
}

// noteShell tells who leaves, and wrote, that a shell is left open for whoever
// comes next. Where on_leave is configured, that sees to it.
func (s *session) noteShell() {
	if s.wrote && s.console.AtShell() && len(s.console.Options().Manners.OnLeave) == 0 {
		s.notice("note: a shell prompt is still open on this console.")
	}
}

// ask takes the lock where that needs nobody's consent.
func (s *session) ask() {
	if err := s.place.Take(); err != nil {
		s.notice(strings.TrimPrefix(s.notSent(err), "not sent: "))
	}
}

// force asks for the reason, which stands in the record.
func (s *session) force() {
	cl := s.place.Client()
	if !cl.MayForce || !cl.MayWrite {
		s.notice("you may not force here.")
		return
	}
	st := s.console.Status()
	if st.Lock.State == console.Free || st.Lock.Holder.Name == cl.Name {
		s.ask()
		return
	}
	s.open(s.holding(st)+" Reason for taking write (Enter takes it, ^C cancels): ", func(reason string) {
		err := s.place.Force(reason)
		r, ok := errors.AsType[*console.Refusal](err)
		switch {
		case ok && r.Because == console.BecauseNoReason:
			s.notice("not taken: a reason is needed.")
		case err != nil:
			s.notice("not taken: " + words(err.Error()) + ".")
		}
	})
}

func (s *session) who() {
	st, now := s.console.Status(), time.Now()
	lines := []string{fmt.Sprintf("here on %s:", s.console.Name())}
	for _, cl := range st.Clients {
		mode := "watching"
		if cl.Writer {
			mode = "writing"
		}
		you := ""
		if cl.Session == s.place.Client().Session {
			you = " (you)"
		}
		lines = append(lines, fmt.Sprintf("  %s%s from %s, %s, idle %s, since %s",
			words(cl.Name), you, words(cl.Source), mode, Ago(cl.Idle), clock(cl.Since, now)))
	}
	s.painter.say(paint{lines: lines, plain: true})
}

func (s *session) information() {
	s.painter.say(paint{lines: strings.Split(strings.TrimRight(s.o.Status(), "\n"), "\n"), plain: true})
}
