package command

import (
	"context"
	"strings"
	"time"

	"consoled/auth"
	"consoled/gateway/attach"
	"consoled/gateway/console"
	"consoled/gateway/names"
	"consoled/gateway/screen"
)

func lsVerb() verb {
	return verb{
		name: "ls", args: "[T]", does: "consoles: state, writer, watchers, age of the last output", target: allTarget,
		flags: listFlags(
			flag{name: "--long", does: "backend, since when, and why it is down, too"},
			flag{name: "--fold", does: "names folded into ranges, by state"},
		),
		run: ls,
	}
}

// consoleJSON is a console as `ls --json` and `status --json` print it.
type consoleJSON struct {
	V           int        `json:"v"`
	Name        string     `json:"name"`
	State       string     `json:"state"`
	Backend     string     `json:"backend"`
	Since       time.Time  `json:"since"`
	Reason      string     `json:"reason,omitempty"`
	Detail      string     `json:"detail,omitempty"`
	Fix         string     `json:"fix,omitempty"`
	NextTry     *time.Time `json:"next_try,omitempty"`
	Attempts    int        `json:"attempts,omitempty"`
	LastOutput  *time.Time `json:"last_output,omitempty"`
	Writer      string     `json:"writer,omitempty"`
	WriterIdle  *int64     `json:"writer_idle_s,omitempty"`
	Watchers    int        `json:"watchers"`
	Lock        string     `json:"lock"`
	Description string     `json:"description,omitempty"`
	Aliases     []string   `json:"aliases,omitempty"`
	Tags        []string   `json:"tags,omitempty"`
	Perm        []string   `json:"perm"`
}

func (c *call) describe(x *console.Console) consoleJSON {
	st, o := x.Status(), x.Options()
	j := consoleJSON{
		V: 1, Name: st.Name, State: string(st.State), Backend: backendKind(o), Since: st.Since,
		Reason: string(st.Reason), Detail: st.Detail, Fix: st.Fix, NextTry: moment(st.NextTry), Attempts: st.Attempts,
		LastOutput: moment(st.LastOutput), Lock: string(st.Lock.State), Description: o.Description,
		Aliases: o.Subject.Aliases, Tags: o.Subject.Tags, Perm: rightWords(c.rights(x)),
	}
	if st.Closing != nil {
		j.Reason = "closed by " + st.Closing.By
	}
	for _, cl := range st.Clients {
		if cl.Writer {
			idle := int64(st.Lock.Idle / time.Second)
			j.Writer, j.WriterIdle = cl.Name, &idle
		} else {
			j.Watchers++
		}
	}
	return j
}

// moment is a time for JSON: absent where there is none.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// backendKind is the first word of what a backend prints as.
func backendKind(o console.Options) string {
	kind, _, _ := strings.Cut(o.Backend.String(), " ")
	return screen.Printable(kind, 20)
}

// stateWord is a state as lists show it: what needs attention stands out.
func stateWord(s string) string {
	if s == string(console.Down) {
		return "DOWN"
	}
	return s
}

// ago is the age of a moment, or a dash.
func ago(t *time.Time, now time.Time) string {
	if t == nil {
		return "-"
	}
	return attach.Ago(now.Sub(*t))
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return screen.Printable(s, 60)
}

func ls(_ context.Context, c *call) int {
	if c.has("--fold") {
		return fold(c)
	}
	now := time.Now()
	header := []string{"NAME", "STATE", "WRITER", "WATCHERS", "OUTPUT", "DESCRIPTION"}
	if c.has("--long") {
		header = []string{"NAME", "STATE", "SINCE", "WRITER", "WATCHERS", "OUTPUT", "BACKEND", "WHY", "DESCRIPTION"}
	}
	t := c.table(header...)
	defer t.finish()
	for _, x := range c.consoles {
		j := c.describe(x)
		row := []string{j.Name, stateWord(j.State), dash(j.Writer), itoa(j.Watchers), ago(j.LastOutput, now), dash(j.Description)}
		if c.has("--long") {
			row = []string{
				j.Name, stateWord(j.State), attach.Ago(now.Sub(j.Since)), dash(j.Writer), itoa(j.Watchers), ago(j.LastOutput, now),
				screen.Printable(x.Options().Backend.String(), 60), dash(j.Reason), dash(j.Description),
			}
		}
		t.row(j, row...)
	}
	return ExitOK
}

// fold prints the names of each state as ranges.
func fold(c *call) int {
	byState := map[console.State][]string{}
	for _, x := range c.consoles {
		st := x.Status()
		byState[st.State] = append(byState[st.State], st.Name)
	}
	for _, state := range []console.State{console.Up, console.Down, console.Closed, console.Idle, console.Connecting} {
		if all := byState[state]; len(all) > 0 {
			c.out.printf("%-10s %4d  %s\n", stateWord(string(state)), len(all), strings.Join(names.Fold(all), ","))
		}
	}
	return ExitOK
}

func whoVerb() verb {
	return verb{
		name: "who", args: "[T]", does: "people on consoles", target: allTarget, needs: auth.Read,
		flags: listFlags(flag{name: "--me", does: "only your own sessions"}),
		run:   who,
	}
}

// clientJSON is a client as `who --json` prints it.
type clientJSON struct {
	V       int       `json:"v"`
	Console string    `json:"console"`
	Who     string    `json:"who"`
	Key     string    `json:"key"`
	From    string    `json:"from"`
	Mode    string    `json:"mode"`
	Idle    int64     `json:"idle_s"`
	Since   time.Time `json:"since"`
	Session string    `json:"session"`
}

func who(_ context.Context, c *call) int {
	t := c.table("CONSOLE", "WHO", "MODE", "IDLE", "SINCE", "FROM", "KEY")
	defer t.finish()
	for _, x := range c.consoles {
		st := x.Status()
		for _, cl := range st.Clients {
			if c.has("--me") && cl.Name != c.s.Who.Name {
				continue
			}
			j := describeClient(st.Name, cl)
			t.row(j, j.Console, dash(j.Who), j.Mode, attach.Ago(cl.Idle), cl.Since.Format(time.DateTime), dash(j.From), dash(j.Key))
		}
	}
	return ExitOK
}

func describeClient(at string, cl console.ClientStatus) clientJSON {
	return clientJSON{
		V: 1, Console: at, Who: cl.Name, Key: cl.Key, From: cl.Source, Mode: modeWord(cl),
		Idle: int64(cl.Idle / time.Second), Since: cl.Since, Session: cl.Session,
	}
}

// modeWord is what a client does at its console.
func modeWord(cl console.ClientStatus) string {
	switch {
	case cl.Kind == console.Sending, cl.Kind == console.Commanding:
		return cl.Kind
	case cl.Writer:
		return "write"
	}
	return "watch"
}
