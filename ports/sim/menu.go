package sim

import (
	"fmt"
	"strings"
	"time"
)

// menuTimeout is how many seconds the boot menu waits for a key.
const menuTimeout = 5

// menu is the painted boot menu. It returns what to start.
func (m *machine) menu() choice {
	counting := true
	for !m.over() {
		switch m.choose([]string{system, "Advanced options for " + system, "Memory test", "System firmware settings"}, &counting) {
		case 0:
			return m.booting(system, normal)
		case 1:
			counting = false
			with := system + ", with Linux " + kernel
			switch m.choose([]string{with, with + " (recovery mode)"}, &counting) {
			case 0:
				return m.booting(with, normal)
			case 1:
				return m.booting(with+" (recovery mode)", recovery)
			}
		case 2:
			return memtest
		case 3:
			return m.booting("System firmware settings", firmware)
		}
	}
	return normal
}

func (m *machine) booting(entry string, what choice) choice {
	m.sayf("\x1b[0m\x1b[2J\x1b[H\x1b[?25hBooting `%s'\r\n\r\n", entry)
	m.pause(200 * time.Millisecond)
	return what
}

// at is text at a row and a column, from 1.
func at(row, column int, text string) string { return fmt.Sprintf("\x1b[%d;%dH%s", row, column, text) }

// The box of the boot menu.
const (
	boxTop    = 4
	boxHeight = 13 // with its borders
	boxWidth  = 78
)

// choose paints entries and lets one be chosen: its index, or -1 for Esc. While
// counting, the first is chosen when the time is up; a key ends the counting.
func (m *machine) choose(entries []string, counting *bool) int {
	var b strings.Builder
	b.WriteString("\x1b[0m\x1b[2J\x1b[?25l")
	title := "GNU GRUB  version 2.12-9"
	b.WriteString(at(2, 41-len(title)/2, title))
	b.WriteString(at(boxTop, 2, "┌"+strings.Repeat("─", boxWidth-2)+"┐"))
	for row := 1; row < boxHeight-1; row++ {
		b.WriteString(at(boxTop+row, 2, "│"+strings.Repeat(" ", boxWidth-2)+"│"))
	}
	b.WriteString(at(boxTop+boxHeight-1, 2, "└"+strings.Repeat("─", boxWidth-2)+"┘"))
	b.WriteString(at(boxTop+boxHeight, 7, "Use the ↑ and ↓ keys to select which entry is highlighted."))
	b.WriteString(at(boxTop+boxHeight+1, 7, "Press enter to boot the selected OS, ESC to return to the first menu."))
	m.say(b.String())

	chosen := 0
	for i := range entries {
		m.entry(entries, i, chosen)
	}
	const footer = boxTop + boxHeight + 3
	for left := menuTimeout; !m.over(); {
		wait := time.Duration(0)
		if *counting {
			if left == 0 {
				return 0
			}
			m.say(at(footer, 4, fmt.Sprintf("The highlighted entry will be executed automatically in %ds.  ", left)))
			wait = time.Second
		}
		key := m.key(wait)
		if key == none {
			left--
			continue
		}
		if *counting {
			*counting = false
			m.say(at(footer, 4, strings.Repeat(" ", 66)))
		}
		was := chosen
		switch key {
		case keyUp, 'k', 'P' & 0x1f:
			chosen = max(chosen-1, 0)
		case keyDown, 'j', 'N' & 0x1f:
			chosen = min(chosen+1, len(entries)-1)
		case '\r', '\n', ' ':
			return chosen
		case 0x1b:
			return -1
		}
		if was != chosen {
			m.entry(entries, was, chosen)
			m.entry(entries, chosen, chosen)
		}
	}
	return -1
}

// entry paints entry i.
func (m *machine) entry(entries []string, i, chosen int) {
	mark, on, off := " ", "", ""
	if i == chosen {
		mark, on, off = "*", "\x1b[7m", "\x1b[0m"
	}
	m.say(at(boxTop+1+i, 3, fmt.Sprintf("%s%s%-*s%s", on, mark, boxWidth-3, entries[i], off)))
}

// memtest is a painted screen that changes all over the place.
func (m *machine) memtest() {
	var b strings.Builder
	b.WriteString("\x1b[0;37;44m\x1b[2J\x1b[?25l")
	b.WriteString("\x1b[7m" + at(1, 1, fmt.Sprintf("%-80s", "   Memory test 7.20")) + "\x1b[27m")
	for i, text := range []string{
		"CLK/Temp: 2900 MHz    47 C", "L1 Cache:   48 KB    402 GB/s", "L2 Cache:    2 MB    178 GB/s", "L3 Cache:   30 MB   88.1 GB/s", "Memory  :  64.0 GB   41.7 GB/s",
	} {
		b.WriteString(at(2+i, 2, text))
	}
	for i, text := range []string{"Pass", "Test", "Range", "Pattern"} {
		b.WriteString(at(2+i, 36, fmt.Sprintf("│ %-8s", text)))
	}
	b.WriteString(at(7, 1, strings.Repeat("─", 80)))
	b.WriteString(at(9, 2, "Errors:  0") + at(24, 2, "<ESC> exits and restarts"))
	m.say(b.String())
	rng := m.rng()
	start := time.Now()
	for done := 0; !m.over(); done = min(done+1, 100) {
		bar := strings.Repeat("#", done*30/100)
		gib := done * 10 % 64
		took := time.Duration(float64(time.Since(start)) * m.speed).Round(time.Second)
		m.say(at(2, 46, fmt.Sprintf("%3d%% %-30s", done, bar)) + at(3, 46, fmt.Sprintf("#%-2d Moving inversions", done/10)) +
			at(4, 46, fmt.Sprintf("%d - %d GB  ", gib, gib+1)) + at(5, 46, fmt.Sprintf("0x%016x", rng.Uint64())) +
			at(9, 20, fmt.Sprintf("Time: %v   ", took)))
		wait := 250 * time.Millisecond
		if done == 100 {
			m.say(at(12, 24, "\x1b[30;42m  Pass complete, no errors  \x1b[37;44m"))
			wait = 0
		}
		for key := m.key(wait); key != none; key = m.key(wait) {
			if key == 0x1b {
				m.say("\x1b[0m\x1b[2J\x1b[H\x1b[?25h")
				return
			}
		}
	}
}
