package command

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"consoled/auth"
	"consoled/gateway/attach"
	"consoled/gateway/console"
	"consoled/gateway/names"
	"consoled/gateway/record"
	"consoled/ports/porttest"
)

// Every flag that help lists is accepted as it is shown there.
func TestHelpAgreesWithFlags(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newSite(t)
		synctest.Wait()
		_, overview, _ := g.run(t, "erin", "gw", "help")
		flags := regexp.MustCompile(`(?m)^  (--?[a-z-]+)( VALUE| TEXT|\[=VALUE\])? `)
		for _, v := range verbs() {
			if !strings.Contains(overview, "\n  "+v.name+" ") {
				t.Errorf("help does not list %s", v.name)
			}
			code, out, _ := g.run(t, "erin", "gw", "help "+v.name)
			if code != ExitOK {
				t.Fatalf("help %s: exit %d", v.name, code)
			}
			shown := flags.FindAllStringSubmatch(out, -1)
			if len(shown) != len(v.flags) {
				t.Errorf("help %s shows %d of %d flags:\n%s", v.name, len(shown), len(v.flags), out)
			}
			for _, f := range shown {
				flag := f[1]
				switch f[2] {
				case " VALUE":
					flag += " 1"
				case " TEXT", "[=VALUE]":
					flag += "=local"
				}
				if _, err := split("node1 "+flag, v.flags, -1); err != nil {
					t.Errorf("%s %s: %v", v.name, flag, err)
				}
			}
		}
	})
}

// Help fits a terminal of 80 columns.
func TestHelpFitsATerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newSite(t)
		synctest.Wait()
		pages := []string{"", "keys", "scripts", "exit-codes"}
		for _, v := range verbs() {
			pages = append(pages, v.name)
		}
		for _, page := range pages {
			_, out, _ := g.run(t, "erin", "gw", strings.TrimSpace("help "+page))
			for line := range strings.Lines(out) {
				if line = strings.TrimSuffix(line, "\n"); len(line) > 80 || strings.TrimRight(line, " ") != line {
					t.Errorf("help %s: %d columns: %q", page, len(line), line)
				}
			}
		}
	})
}

// pty runs a command on a PTY whose keys come in the channel.
func (g *site) pty(t *testing.T, who, line string, keys io.Reader, interrupt func()) (out *buffer, code chan int) {
	out, code = new(buffer), make(chan int, 1)
	s := &Session{
		ID: who, Line: line, Who: auth.Identity{Name: who, Fingerprint: "SHA256:" + who},
		Terminal: attach.Terminal{
			In: keys, Out: out, Err: out, PTY: true, Interrupt: interrupt, Abort: func() {},
			Lost: func() bool { return false }, Size: func() (int, int) { return 80, 24 },
		},
	}
	go func() { code <- Run(t.Context(), g, s) }()
	return out, code
}

// ^C ends what waits for a line or follows a record, with 130.
func TestInterrupt(t *testing.T) {
	for _, line := range []string{"send node1 xyz", "break node1", "log -f node1", "tail -f node[1-2]"} {
		synctest.Test(t, func(t *testing.T) {
			g := newSite(t)
			target := g.fakes["node1"].Line(t.Context())
			target.Stall(0)
			synctest.Wait()
			if strings.HasPrefix(line, "break") {
				c, _ := g.Console("node1")
				a := c.Attach(console.Client{Session: "w", Name: "alice", Kind: console.Interactive, MayWrite: true})
				defer a.Leave(false)
				a.Offer([]byte("stuck"))
			}
			near, far := io.Pipe()
			out, code := g.pty(t, "alice", line, near, func() { far.Close() })
			time.Sleep(time.Second)
			far.Write([]byte("\x03"))
			if got := <-code; got != ExitInterrupt {
				t.Errorf("%s: exit %d: %s", line, got, out)
			}
			target.Resume()
			synctest.Wait()
			if got := target.Heard(); strings.HasPrefix(line, "send") && len(got) > 3 || len(target.Breaks()) > 0 {
				t.Errorf("%s: the line heard %q", line, got)
			}
		})
	}
}

// --raw is byte for byte, on a PTY too; text ends its lines as a terminal wants it.
func TestRawOnATerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newSite(t)
		g.fakes["node1"].Line(t.Context()).Say("a\nb\r\n")
		synctest.Wait()
		for line, want := range map[string]string{"log --raw node1": "a\nb\r\n", "log node1": "a\r\nb\r\n"} {
			out, code := g.pty(t, "alice", line, strings.NewReader(""), func() {})
			if <-code; out.String() != want {
				t.Errorf("%s: %q, want %q", line, out, want)
			}
		}
	})
}

func TestLogCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newSite(t)
		g.fakes["node1"].Line(t.Context()).Say("a\nb\nc\n")
		synctest.Wait()
		for line, want := range map[string]string{
			"log -n 0 node1": "", "log -n 1 node1": "c\n", "log -n 99999999999 node1": "a\nb\nc\n",
			"log --from 4 node1": "c\n", "log --from 9999999999 node1": "", "tail -n0 node1": "",
		} {
			if code, out, errs := g.run(t, "alice", "gw", line); code != ExitOK || out != want {
				t.Errorf("%s: exit %d, %q, want %q; %s", line, code, out, want, errs)
			}
		}
		if code, out, _ := g.run(t, "alice", "gw", "log --raw --time=utc -n 1 node1"); code != ExitOK || !regexp.MustCompile(`^\d{4}-.*Z c\n$`).MatchString(out) {
			t.Errorf("raw with times: %q", out)
		}
		if code, _, errs := g.run(t, "alice", "gw", "log --events -f node1"); code != ExitUsage || !strings.Contains(errs, "no other flag") {
			t.Errorf("events with another flag: exit %d, %s", code, errs)
		}
	})
}

// Following a console that is removed ends in words.
func TestFollowedConsoleIsRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newSite(t)
		g.fakes["node1"].Line(t.Context()).Say("last words")
		time.AfterFunc(time.Second, func() { g.set.Apply(console.Difference{Remove: []string{"node1"}}, "") })
		code, out, errs := g.run(t, "alice", "gw", "log -f node1")
		if code != ExitDown || out != "last words\n" || errs != "consoled: node1: the console has ended\n" {
			t.Errorf("exit %d, %q, %q", code, out, errs)
		}
	})
}

// The gateway's health is as stable and as lower case as all JSON.
func TestHealthJSON(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newSite(t)
		for _, who := range []string{"alice", "erin"} {
			_, out, _ := g.run(t, who, "gw", "status --json")
			var fields map[string]any
			if err := json.Unmarshal([]byte(out), &fields); err != nil {
				t.Fatal(err)
			}
			for name := range fields {
				if strings.ToLower(name) != name {
					t.Errorf("%s sees the field %s", who, name)
				}
			}
			for _, want := range []string{"v", "version", "consoles", "up", "host_keys"} {
				if _, ok := fields[want]; !ok {
					t.Errorf("%s misses %s in %s", who, want, out)
				}
			}
		}
	})
}

// Listing ten thousand consoles is a matter of a moment.
func BenchmarkList(b *testing.B) {
	g := &site{set: console.NewSet(b.Context()), rights: map[string]map[string]auth.Rights{"erin": {}}}
	var d console.Difference
	for i := range 10_000 {
		name := fmt.Sprintf("node%05d", i)
		g.rights["erin"][name] = auth.Read
		d.Add = append(d.Add, console.Options{
			Subject: names.Subject{Name: name}, Backend: porttest.NewFake("fake", porttest.Abilities{}), Record: record.Options{None: true},
		})
	}
	if err := g.set.Apply(d, ""); err != nil {
		b.Fatal(err)
	}
	for _, line := range []string{"ls", "ls --json", "who", "status node09999", "status nod09999"} {
		b.Run(line, func(b *testing.B) {
			for b.Loop() {
				s := &Session{Line: line, Who: auth.Identity{Name: "erin"}, Terminal: attach.Terminal{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard}}
				Run(b.Context(), g, s)
			}
		})
	}
}
