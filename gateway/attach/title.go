package attach

import (
	"fmt"
	"strings"
	"time"

	"consoled/gateway/console"
)

// titleTerms are the beginnings of TERM for terminals with a settable title.
var titleTerms = []string{
	"xterm", "screen", "tmux", "rxvt", "alacritty", "foot", "kitty", "wezterm", "ghostty", "vte", "st",
}

// canTitle reports whether the terminal is sent titles.
func canTitle(t Terminal, o Options) bool {
	if !t.PTY || o.NoTitle || t.Env["CONSOLED_TITLE"] == "0" {
		return false
	}
	for _, term := range titleTerms {
		if rest, ok := strings.CutPrefix(t.Term, term); ok && (rest == "" || term != "st" || rest[0] == '-') {
			return true
		}
	}
	return false
}

// title is the status bar: the state first, never ticking.
func (s *session) title(st console.Status) string {
	name := words(st.Name)
	switch {
	case st.State == console.Closed:
		return fmt.Sprintf("[closed] %s%s", name, others(st))
	case st.State == console.Down && time.Until(st.NextTry) > 10*time.Second:
		return fmt.Sprintf("[DOWN, next %s] %s", st.NextTry.Format(time.TimeOnly), name)
	case st.State == console.Connecting || st.Dialogue:
		return fmt.Sprintf("[connecting] %s", name)
	case st.State != console.Up:
		return fmt.Sprintf("[DOWN] %s", name)
	case st.Lock.State == console.Grace:
		return fmt.Sprintf("[ro, kept for %s] %s", words(st.Lock.Holder.Name), name)
	case st.Lock.State == console.Free:
		return fmt.Sprintf("[free] %s%s", name, others(st))
	case st.Lock.Holder.Session != s.place.Client().Session:
		return fmt.Sprintf("[ro %s] %s", words(st.Lock.Holder.Name), name)
	}
	return fmt.Sprintf("[rw] %s%s", name, others(st))
}

// others counts who else is there.
func others(st console.Status) string {
	if n := len(st.Clients) - 1; n > 0 {
		return fmt.Sprintf(" +%d", n)
	}
	return ""
}

// The sequences around a title (xterm control sequences, window operations 22
// and 23: save and restore).
const (
	saveTitle    = "\x1b[22;0t"
	restoreTitle = "\x1b[23;0t"
)

func setTitle(text string) string { return "\x1b]0;" + text + "\a" }
