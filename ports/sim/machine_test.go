package sim

import (
	"strings"
	"testing"
	"time"

	"consoled/ports"
)

func TestBootByItself(t *testing.T) {
	play(t, &Sim{Kind: Boot, Name: "web3"}, func(p *player) {
		start := time.Now()
		p.expect("UEFI", "\x1b[2J", "┌─", "\x1b[7m*"+system, "automatically in 5s", "automatically in 1s", "Booting `"+system+"'")
		p.expect("[    0.000000] Linux version", "eno1: NIC Link is Up", "  OK  ", "web3 login: ")
		if took := time.Since(start); took < 8*time.Second || took > 20*time.Second {
			t.Errorf("a boot takes %v", took)
		}
	})
}

func TestShell(t *testing.T) {
	play(t, &Sim{Kind: Boot}, func(p *player) {
		p.expect("in 5s")
		p.typed("\r")
		p.expect("node1 login: ")
		p.typed("anx\x7fa\r")
		p.expect("anx\b \ba\r\nPassword: ")
		p.typed("secret\r")
		p.expect("\r\n", "simulated server")
		if strings.Contains(p.seen, "secret") {
			t.Error("the password was echoed")
		}
		const prompt = "\x1b[01;32mana@node1\x1b[00m:\x1b[01;34m~\x1b[00m$ "
		p.rest()
		for _, try := range []struct{ typed, says string }{
			{"uname -a\r", "uname -a\r\nLinux node1 " + kernel},
			{"uptime\r", " up 0 min"},
			{"dmesg\r", "] Linux version 6.12"},
			{"ls\r", "notes.txt"},
			{"ls -l\r", "ana ana"},
			{"cat /etc/motd\r", "simulated server"},
			{"cat x\r\n", "cat: x: No such file"},
			{"whoami\r", "\r\nana\r\n"},
			{"two  words\b\b\b\b\b\r", "-bash: two: command not found"},
			{"a b c\x17\x17d\r", "-bash: a: command"},
			{"abc\x15id\r", "uid=1000(ana)"},
			{"echo äöü\x7f\r", "\r\näö\r\n"},
			{"abc\x03", "^C\r\n"},
			{"\x1b[A\x1b[1;5D\x1bOP\r", prompt + "\r\n" + prompt},
			{"help\r", "reboot"},
			{strings.Repeat("x", 2000) + "\r", "\a"},
		} {
			p.typed(try.typed)
			time.Sleep(time.Second)
			if got := prompt + p.rest(); !strings.Contains(got, try.says) || !strings.HasSuffix(got, prompt) {
				t.Errorf("typing %q: %q", try.typed, got)
			}
		}
		p.typed("exit\r")
		p.expect("logout\r\n", "node1 login: ")
		p.typed("root\r")
		p.expect("Password: ")
		p.typed("\r")
		p.expect("Last login: ", "root@node1\x1b[00m:\x1b[01;34m~\x1b[00m# ")
		p.typed("reboot\r")
		p.expect("reboot: Restarting system", "UEFI", "in 5s", "login: ")
	})
}

func TestBootMenu(t *testing.T) {
	play(t, &Sim{Kind: Boot, Speed: 10}, func(p *player) {
		p.expect("in 5s")
		p.typed("\x1b[B")
		time.Sleep(time.Minute) // a key ends the counting
		if got := p.rest(); !strings.Contains(got, "\x1b[7m*Advanced") || strings.Contains(got, "Booting") {
			t.Errorf("an arrow: %q", got)
		}
		p.typed("\r")
		p.expect("\x1b[7m*" + system + ", with Linux")
		p.typed("\x1b")
		p.expect("\x1b[7m*" + system + " ")
		p.typed("j\rjj\x1bOA\x1bOB\r")
		p.expect("Booting `", "(recovery mode)", "single", "rescue mode", "root@node1")
		p.typed("reboot\r")
		p.expect("in 5s")
		p.typed("jj\r")
		p.expect("Memory test", "Pass complete")
		p.typed("x\x1b")
		p.expect("UEFI", "in 5s")
		p.typed("jjjj\r")
		p.expect("UEFI")
	})
}

func TestSysRq(t *testing.T) {
	play(t, &Sim{Kind: Boot}, func(p *player) {
		p.expect("login: ")
		p.sendBreak()
		p.typed("h")
		p.expect("sysrq: HELP : reboot(b)")
		p.typed("ro")
		p.sendBreak()
		time.Sleep(time.Minute) // too late for a key
		p.typed("ot\r")
		p.expect("Password: ")
		p.typed("\r")
		p.expect("root@node1")
		p.sendBreak()
		p.typed("b")
		p.expect("sysrq: Resetting", "UEFI")
	})
}

func TestPanic(t *testing.T) {
	s := &Sim{Kind: Panic, Name: "node2"}
	play(t, s, func(p *player) {
		p.expect("[    0.000000] Linux version")
		p.port.Close()
	})
	play(t, s, func(p *player) { // closed before: it has not panicked yet
		p.expect("node2 login: ", "NULL pointer", "Kernel panic - not syncing: Fatal exception", "---[ end Kernel panic")
		if _, err := p.port.Write([]byte("anybody there?\r")); err != nil {
			t.Error(err)
		}
		buf := make([]byte, 4096)
		var err error
		for err == nil {
			_, err = p.port.Read(buf)
		}
		if err.Error() != "read sim panic: closed by the other end: the machine powered itself off" {
			t.Error(err)
		}
		if _, err := p.port.Write([]byte("x")); ports.ReasonOf(err) != ports.Closed {
			t.Errorf("write: %v", err)
		}
	})
	for range 2 {
		if _, err := s.Open(t.Context()); ports.ReasonOf(err) != ports.Refused {
			t.Errorf("open after the panic: %v", err)
		}
	}
}

// The same machine says the same at each start, and another one something else.
func TestSeed(t *testing.T) {
	log := func(s *Sim) string {
		var text string
		play(t, s, func(p *player) {
			p.expect("Booting")
			for !strings.Contains(p.seen, "login: ") {
				buf := make([]byte, 4096)
				n, _ := p.port.Read(buf)
				p.seen += string(buf[:n])
			}
			text = p.seen
		})
		return text
	}
	once, twice := log(&Sim{Kind: Boot}), log(&Sim{Kind: Boot})
	if once != twice {
		t.Error("two boots of one machine differ")
	}
	if once == log(&Sim{Kind: Boot, Seed: 1}) {
		t.Error("two machines are one")
	}
}
