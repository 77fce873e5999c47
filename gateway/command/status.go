package command

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"consoled/auth"
	"consoled/gateway/attach"
	"consoled/gateway/console"
	"consoled/gateway/screen"
)

func statusVerb() verb {
	return verb{
		name: "status", args: "[T]", does: "one console in full; without T the gateway's health", target: optTarget,
		flags: []flag{{name: "--json", does: "as JSON"}}, run: status,
	}
}

func status(_ context.Context, c *call) int {
	if !c.named {
		return health(c)
	}
	x := c.consoles[0]
	if c.has("--json") {
		c.out.object(c.details(x))
	} else {
		c.out.printf("%s", Describe(x, c.rights(x)))
	}
	switch x.Status().State {
	case console.Up, console.Idle: // which nobody needs to be up
		return ExitOK
	}
	return ExitDown
}

// statusJSON is a console in full.
type statusJSON struct {
	consoleJSON
	Address   string        `json:"address"`
	BytesIn   int64         `json:"bytes_in"`
	BytesOut  int64         `json:"bytes_out"`
	Start     int64         `json:"start"`
	End       int64         `json:"end"`
	DiskBytes int64         `json:"disk_bytes"`
	CanBreak  bool          `json:"can_break"`
	Closed    *closedJSON   `json:"closed,omitempty"`
	Running   *runningJSON  `json:"running,omitempty"`
	Modem     *modemJSON    `json:"modem,omitempty"`    // absent where the line has none
	Received  *receivedJSON `json:"received,omitempty"` // absent where nobody knows
	Flow      *bool         `json:"software_flow,omitempty"`
	Clients   []clientJSON  `json:"clients"`
}

type closedJSON struct {
	By     string     `json:"by"`
	Reason string     `json:"reason,omitempty"`
	Until  *time.Time `json:"until,omitempty"`
}

type runningJSON struct {
	Action string    `json:"action"`
	Who    string    `json:"who"`
	Since  time.Time `json:"since"`
}

type modemJSON struct {
	DTR bool `json:"dtr"`
	RTS bool `json:"rts"`
	CTS bool `json:"cts"`
	DSR bool `json:"dsr"`
	DCD bool `json:"dcd"`
	RI  bool `json:"ri"`
}

type receivedJSON struct {
	Overruns int `json:"overruns"`
	Parity   int `json:"parity"`
	Framing  int `json:"framing"`
	Breaks   int `json:"breaks"`
}

func (c *call) details(x *console.Console) statusJSON {
	st, r := x.Status(), x.Record()
	j := statusJSON{
		consoleJSON: c.describe(x), Address: x.Options().Backend.String(), BytesIn: st.BytesIn, BytesOut: st.BytesOut,
		Start: r.Start(), End: r.End(), DiskBytes: r.Size(), CanBreak: st.CanBreak, Clients: []clientJSON{},
	}
	if st.Closing != nil {
		j.Closed = &closedJSON{st.Closing.By, st.Closing.Why, moment(st.Closing.Until)}
	}
	if st.Act != nil {
		j.Running = &runningJSON{st.Act.Name, st.Act.Who, st.Act.Since}
	}
	if lines, err := x.Modem(); err == nil {
		m := modemJSON(lines)
		j.Modem = &m
	}
	if met, err := x.Received(); err == nil {
		r := receivedJSON(met)
		j.Received = &r
	}
	if on, can := x.SoftwareFlow(); can {
		j.Flow = &on
	}
	for _, cl := range st.Clients {
		j.Clients = append(j.Clients, describeClient(st.Name, cl))
	}
	return j
}

// Describe is a console in full, as text. Everything hostile in it is escaped.
func Describe(x *console.Console, rights auth.Rights) string {
	now := time.Now()
	st, o, r := x.Status(), x.Options(), x.Record()
	var b strings.Builder
	line := func(key, value string) {
		if value != "" {
			b.WriteString(key + strings.Repeat(" ", max(1, 14-len(key))) + screen.Printable(value, 600) + "\n")
		}
	}
	line("console", st.Name)
	line("description", screen.Printable(o.Description, 200))
	line("aliases", strings.Join(o.Subject.Aliases, " "))
	line("tags", strings.Join(o.Subject.Tags, " "))
	line("groups", strings.Join(o.Subject.Groups, " "))
	line("line", screen.Printable(o.Backend.String(), 200))
	line("state", stateWord(string(st.State))+" for "+attach.Ago(now.Sub(st.Since))+" (since "+st.Since.Format(time.DateTime)+")")
	if st.Dialogue {
		line("dialogue", "the gateway is logging in; nobody can type yet")
	}
	if st.State == console.Idle {
		line("reason", string(st.Reason))
	}
	if st.State == console.Down {
		line("reason", string(st.Reason))
		line("detail", screen.Printable(st.Detail, 300))
		if st.Fix != "" {
			line("fix", screen.Printable(st.Fix, 300))
		}
		line("next try", "in "+attach.Ago(time.Until(st.NextTry))+", after "+count(st.Attempts, "attempt"))
	}
	if st.Closing != nil {
		line("closed", attach.ClosedBy(st.Closing))
	}
	if st.Act != nil {
		line("running", st.Act.Name+" by "+st.Act.Who+" for "+attach.Ago(now.Sub(st.Act.Since)))
	}
	line("modem lines", attach.ModemLines(x))
	line("received", attach.Received(x))
	line("sequences", strings.Join(slices.Sorted(maps.Keys(o.Manners.Breaks)), " "))
	if st.Lock.State != console.Held {
		line("write", lockText(st))
	}
	for _, cl := range st.Clients {
		line(modeWord(cl), screen.Printable(cl.Name, 80)+" from "+screen.Printable(cl.Source, 80)+
			", idle "+attach.Ago(cl.Idle)+", since "+cl.Since.Format(time.DateTime))
	}
	if !st.LastOutput.IsZero() {
		line("last output", attach.Ago(now.Sub(st.LastOutput))+" ago ("+st.LastOutput.Format(time.DateTime)+")")
	}
	line("bytes", "in "+itoa64(st.BytesIn)+", out "+itoa64(st.BytesOut)+" since the gateway started")
	line("record", "offsets "+itoa64(r.Start())+" to "+itoa64(r.End())+", "+itoa64(r.Size())+" bytes on disk")
	line("you may", rights.String())
	return b.String()
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return itoa(n) + " " + what + "s"
}

// lockText is the lock in words, where nobody has it.
func lockText(st console.Status) string {
	who := screen.Printable(st.Lock.Holder.Name, 80)
	switch st.Lock.State {
	case console.Grace:
		return "kept for " + who + ", whose connection was lost, for another " + attach.Ago(time.Until(st.Lock.Until))
	}
	return string(st.Lock.State)
}
