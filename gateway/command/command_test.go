package command

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"consoled/auth"
	"consoled/gateway/action"
	"consoled/gateway/attach"
	"consoled/gateway/console"
	"consoled/gateway/names"
	"consoled/gateway/record"
	"consoled/ports"
	"consoled/ports/porttest"
)

// A site is a Gateway over real consoles with fake lines and a plain table of rights.
type site struct {
	set      *console.Set
	fakes    map[string]*porttest.Fake
	rights   map[string]map[string]auth.Rights // who, console
	gateway  map[string]auth.Rights
	attached []string
	actions  map[string]action.List
	reload   error
}

func (g *site) Consoles() []*console.Console                   { return g.set.All() }
func (g *site) Console(name string) (*console.Console, bool)   { return g.set.Get(name) }
func (g *site) Actions(c *console.Console) action.List         { return g.actions[c.Name()] }
func (g *site) Suffixes() []string                             { return []string{".con"} }
func (g *site) Version() string                                { return "1.2.3" }
func (g *site) Health() Health                                 { return Health{Version: "1.2.3", Consoles: len(g.set.All())} }
func (g *site) GatewayRights(id auth.Identity) auth.Rights     { return g.gateway[id.Name] }
func (g *site) Check() (string, error)                         { return "fine", g.reload }
func (g *site) Reload(context.Context, string) (string, error) { return "added 1", g.reload }

func (g *site) Rights(id auth.Identity, c *console.Console) auth.Rights {
	return g.rights[id.Name][c.Name()]
}

func (g *site) Client(s *Session, c *console.Console, kind string) console.Client {
	r := g.Rights(s.Who, c)
	return console.Client{
		Session: s.ID, Name: s.Who.Name, Source: s.Who.Source.String(), Kind: kind,
		MayWrite: r.Has(auth.Write), MayBreak: r.Has(auth.Break), MayForce: r.Has(auth.Force),
		MayPower: r.Has(auth.Power), MayAdmin: r.Has(auth.Admin),
	}
}

func (g *site) Join(s *Session, c *console.Console, kind string) *console.Attachment {
	return c.Attach(g.Client(s, c, kind))
}

func (g *site) Attach(_ context.Context, s *Session, c *console.Console, o attach.Options) int {
	g.attached = append(g.attached, fmt.Sprintf("%s ro=%t", c.Name(), s.Login.Modifiers.ReadOnly))
	return ExitOK
}

const (
	r  = auth.Read
	rw = auth.Read | auth.Write | auth.Break
)

// newSite runs node1, node2 and secret. alice may write on the nodes, bob
// watch node1, erin do everything, nobody nothing.
func newSite(t *testing.T) *site {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	all := auth.Read | auth.Write | auth.Break | auth.Force | auth.Power | auth.WriteMany | auth.Admin
	g := &site{
		set: console.NewSet(ctx), fakes: map[string]*porttest.Fake{},
		rights: map[string]map[string]auth.Rights{
			"alice": {"node1": rw, "node2": rw},
			"bob":   {"node1": r},
			"erin":  {"node1": all, "node2": all, "secret": all},
		},
		gateway: map[string]auth.Rights{"erin": all},
	}
	var d console.Difference
	for _, name := range []string{"node1", "node2", "secret"} {
		g.fakes[name] = porttest.NewFake("fake "+name, porttest.Abilities{Break: true})
		d.Add = append(d.Add, console.Options{
			Subject: names.Subject{Name: name, Tags: []string{"lab"}, Aliases: []string{"a-" + name}},
			Backend: g.fakes[name], Record: record.Options{Dir: t.TempDir(), Group: -1}, Description: "the " + name,
		})
	}
	if err := g.set.Apply(d, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel(context.Canceled)
		g.set.Wait()
	})
	return g
}

// A safe buffer is written and read by different goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// run runs a command line as who, under a login name.
func (g *site) run(t *testing.T, who, login, line string, in ...string) (code int, out, errs string) {
	t.Helper()
	l, err := names.ParseLogin(login)
	if err != nil {
		t.Fatal(err)
	}
	var o, e buffer
	s := &Session{
		ID: who + line, Login: l, Line: line,
		Who:      auth.Identity{Name: who, Fingerprint: "SHA256:" + who, Source: netip.MustParseAddr("10.1.2.3")},
		Terminal: attach.Terminal{In: strings.NewReader(strings.Join(in, "")), Out: &o, Err: &e, Interrupt: func() {}, Abort: func() {}, Lost: func() bool { return false }, Size: func() (int, int) { return 0, 0 }},
	}
	code = Run(t.Context(), g, s)
	return code, o.String(), e.String()
}

func TestLoginNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newSite(t)
		synctest.Wait()
		tests := []struct {
			who, login, line string
			code             int
			out, errs        string // parts
		}{
			{"alice", "node1", "", ExitOK, "", ""},
			{"alice", "NODE1.con", "", ExitOK, "", ""},
			{"alice", "a-node1", "whoami", ExitOK, "you are   alice", ""},
			{"alice", "alice+node1", "status", ExitOK, "fake node1", ""},
			{"alice", "alice:node1", "status", ExitOK, "fake node1", ""},
			{"alice", "bob+node1", "status", ExitDenied, "", `you are not "bob"; you are alice`},
			{"alice", "laptop-user", "", ExitOK, "node1", ""},
			{"alice", "laptop-user", "whoami", ExitOK, "alice", ""},
			{"alice", "gw", "", ExitOK, "node2", ""},
			{"alice", "help", "", ExitOK, "attaches to the console", ""},
			{"alice", "nod1", "", ExitUnknown, "", "Did you mean:  node1"},
			{"alice", "nod1", "ls", ExitUnknown, "", "Did you mean:  node1"},
			{"alice", "@lab", "", ExitOK, "node2", ""},
			{"alice", "node[1-2]", "ls --fold", ExitOK, "node[1-2]", ""},
			{"alice", "node1,nod2", "ls", ExitUnknown, "", "Did you mean:  node2"},
			{"alice", "node1,secret", "ls", ExitUnknown, "", "no console called \"secret\" that you may see"},
			{"alice", "A-node1,node2", "ls", ExitOK, "node1", ""},
			{"alice", "", "log --help", ExitOK, "--since", ""},
			{"alice", "node1", "attach --ro --rw", ExitUsage, "", "--ro watches only"},
			{"alice", "@nosuch", "", ExitUnknown, "", "no console that you may see"},
			{"alice", "%n", "", ExitUsage, "", "does not expand"},
			{"nobody", "laptop-user", "", ExitUnknown, "", "SHA256:nobody"},
			{"alice", "node1", "reload", ExitUsage, "", "send --enter reload"},
			{"alice", "node1", "uptime", ExitUsage, "", "send --enter TEXT"},
			{"alice", "gw", "node1", ExitUsage, "", "ssh node1@gw"},
			{"alice", "gw", "statsu", ExitUsage, "", "did you mean status?"},
			{"alice", "node1", "log node2", ExitUsage, "", `"node2" is too much`},
		}
		for _, tt := range tests {
			code, out, errs := g.run(t, tt.who, tt.login, tt.line)
			if code != tt.code || !strings.Contains(out, tt.out) || !strings.Contains(errs, tt.errs) {
				t.Errorf("%s: ssh %s@gw %s: exit %d\nout %s\nerr %s", tt.who, tt.login, tt.line, code, out, errs)
			}
		}
		if len(g.attached) != 2 {
			t.Errorf("attached: %v", g.attached)
		}
	})
}

// What is forbidden answers as what does not exist, but for the name that was asked for.
func TestForbiddenIsUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newSite(t)
		for _, v := range verbs() {
			if v.target == noTarget {
				continue
			}
			c1, o1, e1 := g.run(t, "alice", "gw", v.name+" secret --nosuchflag")
			c2, o2, e2 := g.run(t, "alice", "gw", v.name+" zzzzzz --nosuchflag")
			if c1 != c2 || o1 != o2 || strings.ReplaceAll(e1, "secret", "zzzzzz") != e2 {
				t.Errorf("%s: a forbidden console answers\n%d %s%s, an unknown one\n%d %s%s", v.name, c1, o1, e1, c2, o2, e2)
			}
			c1, o1, e1 = g.run(t, "alice", "gw", v.name+" secret")
			c2, o2, e2 = g.run(t, "alice", "gw", v.name+" zzzzzz")
			if c1 != ExitUnknown || c1 != c2 || o1 != o2 || strings.ReplaceAll(e1, "secret", "zzzzzz") != e2 {
				t.Errorf("%s: a forbidden console answers\n%d %s%s, an unknown one\n%d %s%s", v.name, c1, o1, e1, c2, o2, e2)
			}
		}
		for _, line := range []string{"ls", "ls --json", "who", "log @all", "whoami", "status", "ls --fold", "ls secre"} {
			if _, out, errs := g.run(t, "alice", "gw", line); strings.Contains(out+errs, "secret") {
				t.Errorf("%s shows a console that is not to be seen: %s%s", line, out, errs)
			}
		}
	})
}

func TestLsJSON(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newSite(t)
		g.fakes["node1"].Line(t.Context()).Say("hello\r\n")
		synctest.Wait()
		code, out, _ := g.run(t, "bob", "gw", "ls --json")
		var got map[string]any
		if err := json.Unmarshal([]byte(out), &got); code != 0 || err != nil {
			t.Fatalf("exit %d, %v: %s", code, err, out)
		}
		for key, want := range map[string]any{"v": 1.0, "name": "node1", "state": "up", "backend": "fake", "lock": "free", "watchers": 0.0} {
			if got[key] != want {
				t.Errorf("%s is %v, want %v", key, got[key], want)
			}
		}
	})
}

func TestLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newSite(t)
		line := g.fakes["node1"].Line(t.Context())
		line.Say("one\r\n\x1b[31mtwo\x1b[0m\r\n")
		time.Sleep(time.Hour)
		line.Say("three\r\nlogin: ")
		time.Sleep(time.Second)
		for _, tt := range []struct{ line, want string }{
			{"log", "one\ntwo\nthree\nlogin: \n"},
			{"log -n 2", "three\nlogin: \n"},
			{"tail -n1", "login: \n"},
			{"log --since 30m", "three\nlogin: \n"},
			{"log --until 30m", "one\ntwo\n"},
			{"log --from 5 --until 30m", "two\n"},
			{"log --raw --until 30m", "one\r\n\x1b[31mtwo\x1b[0m\r\n"},
			{"log --time=utc --until 30m", "2000-01-01T00:00:00.000Z one\n2000-01-01T00:00:00.000Z two\n"},
		} {
			if code, out, errs := g.run(t, "alice", "node1", tt.line); code != ExitOK || out != tt.want {
				t.Errorf("%s: exit %d, %q, %s; want %q", tt.line, code, out, errs, tt.want)
			}
		}
		if _, out, _ := g.run(t, "alice", "gw", "tail -n1 node[1-2]"); out != "node1: login: \n" {
			t.Errorf("several: %q", out)
		}
		if code, _, errs := g.run(t, "alice", "node1", "log --since soon"); code != ExitUsage || !strings.Contains(errs, "is no time") {
			t.Errorf("exit %d, %s", code, errs)
		}
	})
}

func TestLogFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newSite(t)
		line := g.fakes["node1"].Line(t.Context())
		line.Say("old\r\n")
		synctest.Wait()
		var out buffer
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan int)
		go func() {
			done <- Run(ctx, g, &Session{
				ID: "f", Login: names.Login{Name: "node1"}, Line: "log -f -n 1", Who: auth.Identity{Name: "bob"},
				Terminal: attach.Terminal{In: strings.NewReader(""), Out: &out, Err: io.Discard},
			})
		}()
		time.Sleep(time.Second)
		line.Say("new\r\nhalf")
		time.Sleep(time.Second)
		if got := out.String(); got != "old\nnew\n" {
			t.Errorf("followed %q", got)
		}
		cancel()
		<-done
	})
}

func TestSend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newSite(t)
		line := g.fakes["node1"].Line(t.Context())
		synctest.Wait()
		line.Say("12345")
		synctest.Wait()
		for _, tt := range []struct {
			who, line, in string
			code          int
			out, errs     string
		}{
			{"alice", `send node1 it's fine --enter`, "", ExitOK, "", ""},
			{"alice", `send node1 a\tb --json`, "", ExitOK, `{"v":1,"name":"node1","offset":5}` + "\n", ""},
			{"alice", `send node1 --stdin`, "x\ny\r\n", ExitOK, "", ""},
			{"bob", `send node1 x`, "", ExitDenied, "", "you lack the right write"},
			{"alice", `send node1`, "", ExitUsage, "", "which text?"},
			{"alice", `send node[1-2] x --yes`, "", ExitDenied, "", "write-many"},
			{"erin", `send node[1-2] x`, "", ExitUsage, "", "--yes, if you mean it"},
			{"alice", `break node1 --ms 500`, "", ExitOK, "", ""},
			{"bob", `break node1`, "", ExitDenied, "", "you lack the right write,break"},
		} {
			code, out, errs := g.run(t, tt.who, "gw", tt.line, tt.in)
			if code != tt.code || out != tt.out || !strings.Contains(errs, tt.errs) {
				t.Errorf("%s: exit %d, %q, %s", tt.line, code, out, errs)
			}
		}
		if got := line.Heard(); got != "it's fine\ra\tbx\ry\r" {
			t.Errorf("the line heard %q", got)
		}
		if got := line.Breaks(); len(got) != 1 || got[0].For != 500*time.Millisecond {
			t.Errorf("breaks %v", got)
		}
	})
}

func TestSendWhileHeldAndDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newSite(t)
		line := g.fakes["node1"].Line(t.Context())
		synctest.Wait()
		x, _ := g.set.Get("node1")
		a := x.Attach(console.Client{Session: "a", Name: "alice", Kind: console.Interactive, MayWrite: true})
		defer a.Leave(false)
		if err := a.Take(); err != nil {
			t.Fatal(err)
		}
		if code, _, errs := g.run(t, "erin", "node1", "send x"); code != ExitBusy || !strings.Contains(errs, "alice is writing") {
			t.Errorf("held: exit %d, %s", code, errs)
		}
		if code, _, errs := g.run(t, "erin", "node1", "send --force x"); code != ExitUsage || !strings.Contains(errs, "needs a reason") {
			t.Errorf("no reason: exit %d, %s", code, errs)
		}
		if code, _, errs := g.run(t, "erin", "node1", "send --force --reason it burns -- x"); code != ExitOK {
			t.Errorf("forced: exit %d, %s", code, errs)
		}
		g.fakes["node1"].FailAlways(&ports.Error{Reason: ports.Refused, Op: "open"})
		line.End(&ports.Error{Reason: ports.Closed, Op: "read"})
		synctest.Wait()
		if code, _, errs := g.run(t, "alice", "node1", "send x"); code != ExitDown || !strings.Contains(errs, "connection refused") {
			t.Errorf("down: exit %d, %s", code, errs)
		}
		if code, out, _ := g.run(t, "alice", "node1", "status"); code != ExitDown || !strings.Contains(out, "DOWN") {
			t.Errorf("status: exit %d, %s", code, out)
		}
		if got := line.Heard(); got != "x" {
			t.Errorf("the line heard %q", got)
		}
	})
}

func TestAdminVerbs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newSite(t)
		for _, verb := range []string{"reload", "check"} {
			if code, _, _ := g.run(t, "alice", "gw", verb); code != ExitDenied {
				t.Errorf("%s by alice: exit %d", verb, code)
			}
			if code, out, _ := g.run(t, "erin", "gw", verb); code != ExitOK || out == "" {
				t.Errorf("%s by erin: exit %d, %s", verb, code, out)
			}
		}
		g.reload = fmt.Errorf("a.yaml:1:1: broken")
		if code, _, errs := g.run(t, "erin", "gw", "reload"); code != ExitConfig || !strings.Contains(errs, "a.yaml:1:1") {
			t.Errorf("a bad reload: exit %d, %s", code, errs)
		}
	})
}

func TestReadOnlyLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newSite(t)
		synctest.Wait()
		if code, _, errs := g.run(t, "alice", "node1+ro", "send x"); code != ExitDenied {
			t.Errorf("exit %d, %s", code, errs)
		}
		g.run(t, "alice", "node1", "attach --ro")
		if len(g.attached) != 1 || g.attached[0] != "node1 ro=true" {
			t.Errorf("attached %v", g.attached)
		}
	})
}

// Every verb has help, and help knows every verb.
func TestHelp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newSite(t)
		_, all, _ := g.run(t, "alice", "gw", "help")
		for _, v := range verbs() {
			code, out, _ := g.run(t, "alice", "gw", "help "+v.name)
			if code != ExitOK || !strings.Contains(out, v.does) || !strings.Contains(all, v.does) {
				t.Errorf("help %s: exit %d, %s", v.name, code, out)
			}
		}
		for _, topic := range []string{"keys", "scripts", "exit-codes"} {
			if code, out, _ := g.run(t, "alice", "gw", "help "+topic); code != ExitOK || out == "" {
				t.Errorf("help %s: exit %d", topic, code)
			}
		}
		if code, _, errs := g.run(t, "alice", "gw", "help sned"); code != ExitUsage || !strings.Contains(errs, "send") {
			t.Errorf("exit %d, %s", code, errs)
		}
	})
}
