package sim

import (
	"strings"
	"testing"
	"time"
)

// started is a switch at its prompt.
func started(t *testing.T, do func(p *player)) {
	t.Helper()
	play(t, &Sim{Kind: Switch}, func(p *player) {
		p.expect("Press RETURN to get started!")
		time.Sleep(time.Minute)
		p.rest()
		p.typed("\r")
		p.expect("sw1>")
		do(p)
	})
}

func TestSwitchCommands(t *testing.T) {
	started(t, func(p *player) {
		for _, try := range []struct{ typed, says, prompt string }{
			{"show version\r", "Version 15.2(7)", "sw1>"},
			{"sh ver\r", "uptime is 0 hours, 1 minutes", "sw1>"},
			{"show run\r", "show run\r\n         ^\r\n% Invalid input", "sw1>"},
			{"configure terminal\r", "% Invalid input", "sw1>"},
			{"sh\r", "% Incomplete command.", "sw1>"},
			{"e\r", `% Ambiguous command:  "e"`, "sw1>"},
			{"sh v x\r", "\n         ^\r\n% Invalid", "sw1>"},
			{"  \r", "\r\n", "sw1>"},
			{"\x04", "\r\n", "sw1>"},
			{"?", "  enable ", "sw1>"},
			{"show ?", "?\r\n  clock ", "sw1>show "},
			{"v?", "v?\r\n  version ", "sw1>show v"},
			{"\t", "ersion ", "ersion "},
			{"?", "<cr>", "sw1>show version "},
			{"\r", "Version 15.2(7)", "sw1>"},
			{"zz?", "% Unrecognized", "sw1>zz"},
			{"\x15", "\b \b", "\b \b"},
			{"EN\r", "", "sw1#"},
			{"conf t\r", "Enter configuration commands", "sw1(config)#"},
			{"interface gi1/0/99\r", "% No such interface", "sw1(config)#"},
			{"interface gi1/0/1\r", "", "sw1(config-if)#"},
			{"desc the first one\r", "", "sw1(config-if)#"},
			{"shut\r", "GigabitEthernet1/0/1, changed state to administratively down", "sw1(config-if)#"},
			{"int te1/0/2\r", "", "sw1(config-if)#"},
			{"exit\r", "", "sw1(config)#"},
			{"hostname core\r", "", "core(config)#"},
			{"end\r", "%SYS-5-CONFIG_I", "core#"},
			{"show interfaces status\r", "Gi1/0/1   the first one      disabled", "--More-- "},
			{"q", "", "core#"},
			{"write mem\r", "[OK]", "core#"},
			{"reload\rn", "Proceed with reload? [confirm]", "core#"},
			{"disable\r", "", "core>"},
			{"exit\r", "Press RETURN to get started.", "started.\r\n"},
			{"x\r", "", "core>"},
		} {
			for _, part := range strings.SplitAfter(try.typed, "\r") {
				p.typed(part)
				time.Sleep(2 * time.Second)
			}
			if got := p.rest(); !strings.Contains(got, try.says) || !strings.HasSuffix(got, try.prompt) {
				t.Errorf("typing %q: %q", try.typed, got)
			}
		}
		p.typed("en\rreload\r")
		time.Sleep(time.Second)
		p.typed("\r")
		p.expect("Boot loader", "Press RETURN to get started!")
		time.Sleep(time.Minute)
		p.typed("\r")
		p.expect("core>") // as was written
	})
}

func TestSwitchPages(t *testing.T) {
	started(t, func(p *player) {
		p.typed("en\rshow running-config\r")
		p.expect("Building", " --More-- ")
		if got := p.rest(); got != "" {
			t.Errorf("a page does not end: %q", got)
		}
		p.typed("\r")
		got := p.rest()
		if strings.Count(got, "\r\n") != 1 || !strings.HasSuffix(got, " --More-- ") {
			t.Errorf("Enter says %q", got)
		}
		p.typed(" ")
		if got := p.rest(); strings.Count(got, "\r\n") != pageLines || !strings.HasSuffix(got, " --More-- ") {
			t.Errorf("space says %q", got)
		}
		p.typed("q")
		if got := p.rest(); strings.Contains(got, "\n") || !strings.HasSuffix(got, "sw1#") {
			t.Errorf("q says %q", got)
		}
		p.typed("show int\r" + strings.Repeat(" ", 100))
		p.expect("GigabitEthernet1/0/1 is up", "TenGigabitEthernet1/0/2 is", "sw1#")
	})
}

func TestSwitchBreak(t *testing.T) {
	play(t, &Sim{Kind: Switch}, func(p *player) {
		p.expect("Press BREAK")
		p.sendBreak()
		p.expect("switch: ")
		p.typed("dir flash:\rnonsense\rhelp\r")
		p.expect("sw2400-k9", `unknown command "nonsense"`, "  reset ")
		p.sendBreak()
		p.expect("interrupted", "switch: ")
		p.typed("reset\rn\r")
		p.expect("(y/n)? n\r\nswitch: ")
		p.typed("boot\r")
		p.expect("Uncompressing", "Press RETURN")
		time.Sleep(time.Minute)
		p.typed("\ren\rshow int\r")
		p.expect("--More--")
		p.sendBreak()
		p.expect("interrupted", "switch: ")
		p.typed("reset\ry\r")
		p.expect("System resetting", "Boot loader", "Press RETURN")
		time.Sleep(time.Minute)
		p.typed("\r")
		p.expect("sw1>")
	})
}
