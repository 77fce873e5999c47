package attach

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"consoled/gateway/console"
	"consoled/gateway/screen"
	"consoled/ports"
)

// Ago writes a duration in its largest unit: "12s", "14m", "3h", "12d".
func Ago(d time.Duration) string {
	switch {
	case d < time.Second:
		return "0s"
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return fmt.Sprintf("%dd", d/(24*time.Hour))
}

// clock is a moment as notices write it: the time of day, with the date where
// it is not of today.
func clock(t, now time.Time) string {
	if t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return t.Format(time.TimeOnly)
	}
	return t.Format(time.DateTime)
}

// words makes hostile text fit for a notice.
func words(text string) string { return screen.Printable(text, 200) }

// hintMark stands before each hint of a notice, which names a key for what to
// do next. The hints are what a narrow window cuts last. No text from outside
// has this byte: words escapes it.
const hintMark = "\x00"

// hint names a key at the end of a notice: "Leave: ^Ec .".
func (s *session) hint(what, k string) string { return hintMark + what + ": " + s.key(k) }

func (s *session) leaveHint() string { return s.hint("Leave", ".") }

// greeting is the attach line; follows says that a replay stands below it. A
// window too narrow for the whole line has it without the address.
func (s *session) greeting(st console.Status, now time.Time, follows bool) string {
	backend := words(s.console.Options().Backend.String())
	text := s.greetingOf(backend, st, now, follows)
	if whole := notice(s.console.Name(), text, 0); notice(s.console.Name(), text, s.painter.width()) != whole {
		kind, _, _ := strings.Cut(backend, " ")
		text = s.greetingOf(kind, st, now, follows)
	}
	return text
}

func (s *session) greetingOf(backend string, st console.Status, now time.Time, follows bool) string {
	hints := s.leaveHint() + s.hint("Keys", "?")
	if st.Closing != nil {
		return fmt.Sprintf("%s, closed %s.", backend, ClosedBy(st.Closing)) + s.openHint() + hints
	}
	if st.State != console.Up {
		text := fmt.Sprintf("DOWN since %s (%s): %s.", clock(st.Since, now), Ago(now.Sub(st.Since)), downReason(st))
		if st.Dialogue {
			text = "connected to " + backend + "; the gateway is logging in."
		} else if st.State == console.Connecting {
			text = "connecting to " + backend + "."
		} else if wait := time.Until(st.NextTry); wait >= time.Second {
			text += fmt.Sprintf(" Next try in %s.", Ago(wait))
		}
		if follows {
			text += " Record follows."
		}
		return text + s.whyHint(st) + s.leaveHint()
	}
	up := fmt.Sprintf("%s, up %s.", backend, Ago(now.Sub(st.Since)))
	cl := s.place.Client()
	switch {
	case !cl.MayWrite:
		return up + " You may watch." + hints
	case s.writing.Load():
		return up + " You are writing." + hints
	case st.Lock.State == console.Free && s.explicit():
		return fmt.Sprintf("%s Write is free: %s takes it.", up, s.key("a")) + hints
	case st.Lock.State == console.Free:
		return up + " Write is free: just type." + hints
	}
	return up + " " + s.holding(st) + s.forceHint() + s.leaveHint()
}

// holding says who writes and who watches.
func (s *session) holding(st console.Status) string {
	text := fmt.Sprintf("%s is writing (idle %s)", words(st.Lock.Holder.Name), Ago(st.Lock.Idle))
	if st.Lock.State == console.Grace {
		text = fmt.Sprintf("write is kept for %s, whose connection was lost", words(st.Lock.Holder.Name))
	}
	var others []string
	for _, cl := range st.Clients {
		if !cl.Writer && cl.Name != st.Lock.Holder.Name && cl.Session != s.place.Client().Session {
			others = append(others, words(cl.Name))
		}
	}
	switch n := len(others); {
	case n == 1:
		text += ", " + others[0] + " watches"
	case n > 4:
		text += fmt.Sprintf(", %d watch", n)
	case n > 0:
		text += ", " + strings.Join(others, ", ") + " watch"
	}
	return text + "."
}

func downReason(st console.Status) string { return cmp.Or(words(string(st.Reason)), "not yet tried") }

// whyHint names the key that says more, where the reason alone does not help:
// trying again will not do.
func (s *session) whyHint(st console.Status) string {
	if st.State == console.Down && (st.Fix != "" || st.Reason == ports.Dialogue || st.Reason == ports.Failed) {
		return s.hint("Why", "i")
	}
	return ""
}

// address is where the line leads, without the kind and the settings of its backend.
func (s *session) address() string {
	backend := words(s.console.Options().Backend.String())
	if parts := strings.Fields(backend); len(parts) > 1 {
		return parts[1]
	}
	return backend
}

// forceHint names the key that takes the lock, for those who may.
func (s *session) forceHint() string {
	if s.place.Client().MayForce {
		return s.hint("Force", "f")
	}
	return ""
}

// notSent says why what was typed did not reach the target.
func (s *session) notSent(err error) string {
	r, ok := errors.AsType[*console.Refusal](err)
	if !ok {
		return "not sent: " + words(err.Error())
	}
	switch r.Because {
	case console.BecauseNoRight:
		if r.Right != "write" {
			return "not sent: you lack the right " + r.Right + "." + s.leaveHint()
		}
		return "not sent: you may watch this console, not write." + s.leaveHint()
	case console.BecauseDialogue:
		return "not sent: the gateway is logging in; wait until it is done." + s.leaveHint()
	case console.BecauseNoSequence:
		return "not sent: there is no such break sequence. " + s.key("l?") + " lists them."
	case console.BecauseDown:
		st := s.console.Status()
		switch st.State {
		case console.Up:
			return "not sent: the line is being opened anew."
		case console.Connecting:
			return "not sent: the line is being opened." + s.leaveHint()
		}
		return fmt.Sprintf("not sent: the line is DOWN (%s).", downReason(st)) + s.leaveHint()
	case console.BecauseClosed:
		return fmt.Sprintf("not sent: %s closed the line%s.", words(r.Holder), until(r.Until)) + s.openHint() + s.leaveHint()
	case console.BecauseExplicit:
		return fmt.Sprintf("not sent: typing alone does not write here. %s takes write.", s.key("a"))
	case console.BecauseHeld:
		return fmt.Sprintf("not sent: %s is writing (idle %s).", words(r.Holder), Ago(r.Idle)) + s.forceHint()
	case console.BecauseGrace:
		return fmt.Sprintf("not sent: write is kept for %s for another %s.", words(r.Holder), Ago(time.Until(r.Until))) + s.forceHint()
	}
	return "not sent: " + words(r.Error()) + "."
}

// told is the line that an event puts on this person's screen, or "" where the
// title is enough. urgent notices ring the bell.
func (s *session) told(e console.Event) (text string, urgent bool) {
	mine := e.Session == s.place.Client().Session
	who, why := words(e.Who), words(e.Why)
	switch e.Kind {
	case console.KindUp:
		return toldUp(e), false
	case console.KindDown:
		if e.Reason == console.OnDemand {
			return "closed: " + string(e.Reason) + ".", false
		}
		return fmt.Sprintf("DOWN: %s (%s). Retrying.", words(string(e.Reason)), s.address()) + s.whyHint(s.console.Status()), true
	case console.KindTake:
		if mine && !s.titled {
			return "you have write.", false
		}
	case console.KindMove:
		return s.toldMove(e, mine), false
	case console.KindForce:
		return s.toldForce(e, mine)
	case console.KindRelease:
		if mine && !s.titled {
			return "write given back.", false
		}
	case console.KindIdle:
		if mine {
			again := "Typing"
			if s.explicit() {
				again = s.key("a")
			}
			return fmt.Sprintf("write given back after %s idle. %s takes it again.", Ago(e.For), again), false
		}
	case console.KindGrace:
		return fmt.Sprintf("%s lost the connection; write is kept for %s.", who, Ago(e.For)), false
	case console.KindReclaim:
		if mine {
			return "welcome back, write is still yours.", false
		}
	case console.KindRevoke:
		if mine {
			return "your right to write was withdrawn. You watch now.", true
		}
	case console.KindBreak:
		return toldBreak(e, mine), false
	case console.KindClose, console.KindOpen, console.KindFlow, console.KindActing, console.KindOutput, console.KindAction:
		return s.toldDone(e, mine)
	case console.KindUnsent:
		if mine {
			return fmt.Sprintf("not sent: the last %d bytes that you typed (%s).", e.Lost, why), false
		}
	case console.KindGap:
		if e.Why != "" {
			return "recording fails: " + why, true
		}
		return fmt.Sprintf("recording works again; %d bytes are missing.", e.Lost), false
	case console.KindLoss:
		return why + ".", false
	case console.KindChange:
		return "the line's settings changed; opening it anew.", false
	case console.KindGoodbye:
		return why + ".", true
	}
	return "", false
}

// toldDone is the line of what somebody did to the line or its target.
func (s *session) toldDone(e console.Event, mine bool) (text string, urgent bool) {
	who, action := words(e.Who), words(e.Action)
	if mine {
		who = "you"
	}
	switch e.Kind {
	case console.KindClose:
		text = who + " closed the line"
		if e.For > 0 {
			text += until(e.Time.Add(e.For))
		}
		if e.Why != "" {
			text += ": \"" + words(e.Why) + "\""
		}
		return text + "." + s.openHint(), !mine
	case console.KindOpen:
		switch {
		case e.Who == "":
			return "the time of the closing is over; opening the line.", false
		case e.Take:
			return who + " opened the line anew, taking it from whoever held it.", false
		}
		return who + " opened the line anew.", false
	case console.KindFlow:
		return fmt.Sprintf("%s switched software flow control %s.", who, words(e.Result)), false
	case console.KindActing:
		if mine {
			return fmt.Sprintf("%s begins. %s stops it.", action, s.key("!")), false
		}
		return fmt.Sprintf("%s runs %s.", who, action), !mine
	case console.KindOutput:
		return fmt.Sprintf("%s: %s", action, words(e.Why)), false
	}
	return fmt.Sprintf("%s ended after %s: %s.", action, Ago(e.For), words(e.Result)), false
}

// until is when something ends; nothing where it does not by itself.
func until(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " until " + clock(t, time.Now())
}

// openHint names the key that opens the line, for those who may.
func (s *session) openHint() string {
	if s.place.Client().MayAdmin {
		return s.hint("Open it", "o")
	}
	return ""
}

func toldUp(e console.Event) string {
	text := "up."
	if e.For > 0 {
		text = fmt.Sprintf("up again after %s (attempt %d).", Ago(e.For), e.Attempt+1)
	}
	switch why := words(e.Why); {
	case why == "":
		return text
	case e.For > 0:
		return text + " " + why + "."
	default:
		return why + "."
	}
}

func toldBreak(e console.Event, mine bool) string {
	who, what, length := words(e.Who), "BREAK", fmt.Sprintf(" (%dms)", e.For.Milliseconds())
	switch {
	case e.Why != "" && mine:
		return fmt.Sprintf("what you sent was %s.", words(e.Why))
	case e.Why != "":
		return fmt.Sprintf("what %s sent was %s.", who, words(e.Why))
	case e.Sequence != "":
		what, length = "break sequence "+words(e.Sequence), ""
	case e.Action != "":
		what += " and " + words(e.Action)
	}
	if mine {
		return what + " sent" + length + "."
	}
	return who + " sent " + what + length + "."
}

func (s *session) toldMove(e console.Event, mine bool) string {
	switch {
	case mine:
		return "write moved to this session of yours."
	case e.LoserSession == s.place.Client().Session:
		return fmt.Sprintf("write moved to your session from %s.", words(e.From))
	}
	return ""
}

func (s *session) toldForce(e console.Event, mine bool) (string, bool) {
	who, loser, why := words(e.Who), words(e.Loser), words(e.Why)
	switch {
	case mine:
		return fmt.Sprintf("you have write (taken from %s, recorded).", loser), false
	case e.LoserSession == s.place.Client().Session:
		return fmt.Sprintf("%s took write: \"%s\". You watch now; keys are not sent.", who, why), true
	}
	return fmt.Sprintf("%s took write from %s: \"%s\".", who, loser, why), false
}
