package config

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"consoled/gateway/action"
	"consoled/gateway/console"
	"consoled/gateway/names"
	"consoled/ports"
	"consoled/ports/ipmi"
	"consoled/ports/sim"
	"consoled/ports/ssh"
	"consoled/ports/telnet"
)

// A draft is a console whose settings are being read. It has one field a
// backend; the line key says which of them counts.
type draft struct {
	Console
	serial ports.Serial // of this machine, or behind telnet
	tcp    ports.TCP
	telnet telnet.Telnet
	ipmi   ipmi.IPMI
	unix   ports.Unix
	exec   ports.Exec
	ssh    ssh.SSH
	sim    sim.Sim

	network        ports.Network // of tcp and telnet
	actions, power action.List   // as the two keys have them
	allPower       bool          // actions: { power: ipmi }
}

// newDraft has what holds for a line without configuration; folder is the main
// file's. A terminal server keeps the speed and the frame that it has.
func newDraft(line, folder string) draft {
	d := draft{
		Console: Console{
			Lock: console.LockOptions{
				Write: console.OnKey, IdleRelease: 30 * time.Minute, Grace: 30 * time.Second,
				ForceReason: "required", ForceCooldown: 10 * time.Second,
			},
			Settings: Settings{common: make(map[string]string, len(fields))},
		},
		exec:    ports.Exec{Cols: 80, Rows: 24},
		ssh:     newSSH(folder),
		network: ports.Network{KeepAlive: 30 * time.Second},
	}
	if line == "serial" {
		d.serial = ports.Serial{Baud: 115200, Data: 8, Parity: "none", Stop: "1", Flow: "none"}
	}
	return d
}

// backend is the one that the line key chooses, as a copy, so that a console
// does not keep the others.
func (d *draft) backend(line string) ports.Backend {
	switch line {
	case "serial":
		return copied(d.serial)
	case "tcp":
		d.tcp.Network = d.network
		return copied(d.tcp)
	case "telnet":
		d.telnet.Network, d.telnet.Serial = d.network, d.serial
		return copied(d.telnet)
	case "ipmi":
		return copied(d.ipmi)
	case "unix":
		return copied(d.unix)
	case "exec":
		return copied(d.exec)
	case "ssh":
		return copied(d.ssh)
	default:
		d.sim.Name = cmp.Or(d.sim.Name, d.Subject.Name)
		return copied(d.sim)
	}
}

func copied[T any](x T) *T { return &x }

// A field is a key that a console may have.
type field struct {
	key string
	// of is the line that the key belongs to: its own name for a key that
	// chooses the line, empty for what every console can have. Several stand with
	// spaces between them; one with +KEY takes the key only where KEY is true.
	of       string
	standard string // as shown where the key is not set; empty: nothing
	// read sets the draft and returns the canonical rendering.
	read func(r *reader, d *draft, v *value) (shown string, ok bool)
}

// isLine reports whether the key chooses the line.
func (f *field) isLine() bool { return f.of == f.key }

// belongs reports whether the key has a place on a line, and with which other
// key, if it needs one.
func (f *field) belongs(line string) (with string, ok bool) {
	for of := range strings.FieldsSeq(f.of) {
		name, with, _ := strings.Cut(of, "+")
		if name == line {
			return with, true
		}
	}
	return "", f.of == ""
}

// owners is what the key belongs to, for messages.
func (f *field) owners() string {
	lines := strings.Fields(f.of)
	for i, of := range lines {
		if name, with, needs := strings.Cut(of, "+"); needs {
			lines[i] = name + " (with " + with + ": true)"
		}
	}
	return strings.Join(lines, " and ")
}

// fields is every key of a console, in the order in which people are shown
// them. It is not changed.
var fields = []field{
	{"serial", "serial", "", readDevice},
	{"baud", "serial telnet+rfc2217", "115200", readBaud},
	{"data", "serial telnet+rfc2217", "8", readData},
	{"parity", "serial telnet+rfc2217", "none", word(func(d *draft) *string { return &d.serial.Parity }, "parity", "none", "odd", "even", "mark", "space")},
	{"stop", "serial telnet+rfc2217", "1", word(func(d *draft) *string { return &d.serial.Stop }, "stop", "1", "1.5", "2")},
	{"flow", "serial telnet+rfc2217", "none", word(func(d *draft) *string { return &d.serial.Flow }, "flow", "none", "software", "hardware")},
	{"lines", "serial telnet+rfc2217", "", readLines},
	{"telnet", "telnet", "", address(func(d *draft) *string { return &d.telnet.Address }, "telnet")},
	{"tcp", "tcp", "", address(func(d *draft) *string { return &d.tcp.Address }, "tcp")},
	{"rfc2217", "telnet", "", readRFC2217},
	{"tls", "tcp telnet", "", readTLS},
	{"source", "tcp telnet", "", address(func(d *draft) *string { return &d.network.Source }, "source")},
	{"keepalive", "tcp telnet", "30s", span(func(d *draft) *time.Duration { return &d.network.KeepAlive }, "keepalive", time.Hour)},
	{"ipmi", "ipmi", "", readIPMI},
	{"unix", "unix", "", readUnix},
	{"exec", "exec", "", readArgv},
	{"env", "exec", "", readEnv},
	{"dir", "exec", "", readDir},
	{"user", "exec", "", address(func(d *draft) *string { return &d.exec.User }, "user")},
	{"size", "exec", "80x24", readSize},
	{"ssh", "ssh", "", readSSH},
	{"sim", "sim", "", readSim},
	{"login", "", "", readLogin},
	{"on_connect", "", "", readOnConnect},
	{"on_idle", "", "", readOnIdle},
	{"on_leave", "", "", readOnLeave},
	{"ondemand", "", "", readOnDemand},
	{"reconnect", "", "", readReconnect},
	{"rate", "", "", readRate},
	{"break", "", "", readBreak},
	{"aliases", "", "", readAliases},
	{"tags", "", "", readTags},
	{"description", "", "", readDescription},
	{"motd", "", "", readMOTD},
	{"write", "", "on-key", readWrite},
	{"idle_release", "", "30m", span(func(d *draft) *time.Duration { return &d.Lock.IdleRelease }, "idle_release", 365*24*time.Hour)},
	{"grace", "", "30s", span(func(d *draft) *time.Duration { return &d.Lock.Grace }, "grace", time.Hour)},
	{"force_reason", "", "required", word(func(d *draft) *string { return &d.Lock.ForceReason }, "force_reason", "required", "optional")},
	{"force_cooldown", "", "10s", span(func(d *draft) *time.Duration { return &d.Lock.ForceCooldown }, "force_cooldown", time.Hour)},
	{"actions", "", "", readActions},
	{"power", "", "", readPower},
	{"log", "", "full", readLog},
	{"title", "", "true", readTitle},
	{"escape", "", "^Ec", readEscape},
}

// ownKeys are keys of an entry that say how it is put together.
var ownKeys = []string{"use", "override"}

// laterKeys are keys of a console that a later version reads.
var laterKeys = []string{
	"locked", "replies", "match", "request_timeout", "yield_idle", "max_hold", "lease_max",
}

// lineKeys are the keys that choose the line.
func lineKeys() []string {
	var keys []string
	for i := range fields {
		if fields[i].isLine() {
			keys = append(keys, fields[i].key)
		}
	}
	return keys
}

// longForm is what the map form of a line key calls its address.
func longForm(key string) (address string, ok bool) {
	switch key {
	case "serial", "unix":
		return "path", true
	case "tcp", "telnet":
		return "address", true
	case "exec":
		return "argv", true
	}
	return "", false
}

// shortForm is the key of the map that a text in place of it stands for.
func shortForm(key string) (inside string, ok bool) {
	if key == "ssh" {
		return "to", true
	}
	return "", false
}

// word reads a choice into a field.
func word(to func(*draft) *string, key string, words ...string) func(*reader, *draft, *value) (string, bool) {
	return func(r *reader, d *draft, v *value) (string, bool) {
		text, ok := r.choice(key, v, words...)
		*to(d) = text
		return text, ok
	}
}

// address reads a text into a field; its form is the backend's to check.
func address(to func(*draft) *string, key string) func(*reader, *draft, *value) (string, bool) {
	return func(r *reader, d *draft, v *value) (string, bool) {
		text, ok := r.filled(key, v)
		*to(d) = text
		return show(text), ok
	}
}

// span reads a duration that 0 switches off; console spells that below zero.
func span(to func(*draft) *time.Duration, key string, most time.Duration) func(*reader, *draft, *value) (string, bool) {
	return func(r *reader, d *draft, v *value) (string, bool) {
		n, ok := r.duration(key, v, 0, most)
		*to(d) = n
		if n == 0 {
			*to(d) = -1
		}
		return showDuration(n), ok
	}
}

func readReconnect(r *reader, d *draft, v *value) (string, bool) {
	shown, ok := r.members("reconnect", v, []string{"first", "max"}, func(key string, v *value) (string, bool) {
		to := &d.Reconnect.First
		if key == "max" {
			to = &d.Reconnect.Max
		}
		n, ok := r.duration(key, v, 10*time.Millisecond, 24*time.Hour)
		*to = n
		return showDuration(n), ok
	})
	if ok && d.Reconnect.Max > 0 && d.Reconnect.First > d.Reconnect.Max {
		r.mistake("reconnect", v, "first is longer than max")
		return "", false
	}
	return shown, ok
}

func readAliases(r *reader, d *draft, v *value) (string, bool) {
	list, ok := r.words("aliases", v, names.Check)
	d.Subject.Aliases = list
	return showList(list), ok
}

// readTags sorts, because templates and the entry add to each other.
func readTags(r *reader, d *draft, v *value) (string, bool) {
	list, ok := r.words("tags", v, checkWord)
	slices.Sort(list)
	list = slices.Compact(list)
	d.Subject.Tags = list
	return showList(list), ok
}

// words is a list of names.
func (r *reader) words(key string, v *value, check func(string) error) ([]string, bool) {
	values, ok := r.values(key, v)
	list := make([]string, 0, len(values))
	for _, x := range values {
		text, good := r.filled(key, x)
		if good {
			if err := check(text); err != nil {
				r.mistake(key, x, "%v", err)
				good = false
			}
		}
		list = append(list, text)
		ok = ok && good
	}
	return list, ok
}

func readDescription(r *reader, d *draft, v *value) (shown string, ok bool) {
	d.Description, ok = r.text("description", v)
	return show(d.Description), ok
}

func readMOTD(r *reader, d *draft, v *value) (shown string, ok bool) {
	d.MOTD, ok = r.block("motd", v)
	return show(d.MOTD), ok
}

func readWrite(r *reader, d *draft, v *value) (string, bool) {
	text, ok := r.choice("write", v, writeModes...)
	d.Lock.Write = console.WriteMode(text)
	return text, ok
}

var writeModes = []string{string(console.OnKey), string(console.Explicit), string(console.OnAttach)}

func readLog(r *reader, d *draft, v *value) (string, bool) {
	text, ok := r.choice("log", v, "full", "none")
	d.NoLog = text == "none"
	return text, ok
}

func readTitle(r *reader, d *draft, v *value) (string, bool) {
	title, ok := r.boolean("title", v)
	d.NoTitle = !title
	return strconv.FormatBool(title), ok
}

// readEscape takes one key or two, each as itself or as ^ and a letter.
func readEscape(r *reader, d *draft, v *value) (string, bool) {
	text, ok := r.text("escape", v)
	if ok && text != "none" && !isEscape(text) {
		r.mistake("escape", v, "%s is not one or two keys such as \"^Ec\", \"^]\" or \"~\", nor none", quoted(text))
		return "", false
	}
	if d.Escape = text; text == "^Ec" {
		d.Escape = ""
	}
	return show(text), ok
}

func isEscape(text string) bool {
	keys := 0
	for len(text) > 0 {
		n := 1
		if text[0] == '^' {
			if len(text) < 2 || !isLetter(text[1]) && strings.IndexByte(`@[\]^_?`, text[1]) < 0 {
				return false
			}
			n = 2
		} else if text[0] <= ' ' || text[0] > '~' {
			return false
		}
		text = text[n:]
		keys++
	}
	return keys == 1 || keys == 2
}
