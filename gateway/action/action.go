// Package action does things to a console's target beside its line: power,
// a relay, a button. An action is a program with its arguments, a command at a
// host reached by SSH, or a command to the target's management controller.
//
// One action runs on a console at a time. What it says is shown as it comes,
// bounded and escaped; who ran it and what came of it stands in the console's
// events. It ends with whoever began it.
//
// Goroutines: Run returns when all that the action started has ended. Package
// os/exec has one that copies a program's output, and Run one that passes it on
// to who runs the action, who may be slow.
package action

import (
	"cmp"
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"consoled/gateway/names"
)

// An Action is something that can be done to a console's target.
type Action struct {
	Name        string
	Description string
	Confirm     bool          // people are asked first
	Timeout     time.Duration // 0: DefaultTimeout
	Way         Way
}

// DefaultTimeout is how long an action may take where nothing else is configured.
const DefaultTimeout = time.Minute

// A Way is how an action is done.
type Way interface {
	// Do does it once and writes what it says to out, which takes everything. It
	// returns when it is over, or soon after ctx ended, and leaves nothing
	// running. Its error is what went wrong: an Exit for a status that is not 0.
	Do(ctx context.Context, call Call, out io.Writer) error
	// String is the kind and the program or command alone, as people put
	// passwords among arguments. It is printed only after escaping.
	String() string
}

// A Call is who does what to which console.
type Call struct{ Console, Action, User, Key, From string }

// A List is the actions of a console: those of power first, then by name.
type List []Action

// power are the names that the verb power knows, in the order in which people
// are shown them. An action of such a name is a power action however it is configured.
var power = [...]string{"status", "on", "off", "cycle", "reset", "soft", "diag", "identify", "identify-off", "boot-pxe", "boot-disk", "boot-bios", "boot-none"}

// Power lists the names of power actions, the state first.
func Power() []string { return power[:] }

// IsPower reports whether a name is one of a power action.
func IsPower(name string) bool { return slices.Contains(power[:], name) }

// Confirms is whether people are asked before an action of this name, where
// the configuration does not say: what interrupts the target is.
func Confirms(name string) bool {
	return slices.Contains([]string{"off", "cycle", "reset", "soft", "diag"}, name)
}

// Title is the action as people call it: "power cycle", "power boot pxe".
func (a Action) Title() string {
	if !IsPower(a.Name) {
		return a.Name
	}
	return "power " + strings.ReplaceAll(a.Name, "-", " ")
}

// Asks reports whether the action disturbs nobody, so that it runs while
// somebody else is writing.
func (a Action) Asks() bool { return a.Name == "status" || strings.HasPrefix(a.Name, "identify") }

// Find is the action of a name.
func (l List) Find(name string) (Action, bool) {
	i := slices.IndexFunc(l, func(a Action) bool { return a.Name == name })
	if i < 0 {
		return Action{}, false
	}
	return l[i], true
}

// Names lists them.
func (l List) Names() []string {
	all := make([]string, len(l))
	for i, a := range l {
		all[i] = a.Name
	}
	return all
}

// Sort puts the list in its order.
func (l List) Sort() {
	place := func(a Action) int {
		if i := slices.Index(power[:], a.Name); i >= 0 {
			return i
		}
		return len(power)
	}
	slices.SortFunc(l, func(a, b Action) int {
		return cmp.Or(cmp.Compare(place(a), place(b)), names.Compare(a.Name, b.Name))
	})
}
