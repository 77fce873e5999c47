package sim

import (
	"fmt"
	"slices"
	"strings"
)

// A command is one that a switch knows. A word in capitals stands for any.
type command struct {
	in    mode
	words []string
	about string
	run   func(n *networkSwitch, args []string) (leave bool)
}

// commandTable is every command, by mode and words.
func commandTable() []command {
	show := user | enabled
	config := configure | configurePort
	do := func(in mode, words, about string, run func(n *networkSwitch, args []string)) command {
		return command{in, strings.Fields(words), about, func(n *networkSwitch, args []string) bool {
			run(n, args)
			return false
		}}
	}
	to := func(m mode) func(*networkSwitch, []string) {
		return func(n *networkSwitch, _ []string) { n.mode = m }
	}
	end := func(n *networkSwitch, _ []string) {
		n.mode = enabled
		n.event("%SYS-5-CONFIG_I: Configured from console by console")
	}
	return []command{
		do(enabled, "configure terminal", "Change the configuration", func(n *networkSwitch, _ []string) {
			n.lines("Enter configuration commands, one per line. End with the command end.\n")
			n.mode = configure
		}),
		do(enabled, "copy running-config startup-config", "Keep the configuration", (*networkSwitch).save),
		do(configurePort, "description TEXT", "What is plugged in", (*networkSwitch).describe),
		do(enabled, "disable", "Give up the rights to change anything", to(user)),
		do(show, "enable", "Get the rights to change things", to(enabled)),
		do(config, "end", "Leave configuration", end),
		do(configurePort, "exit", "Leave the interface", to(configure)),
		do(configure, "exit", "Leave configuration", end),
		{show, []string{"exit"}, "Leave the console", func(n *networkSwitch, _ []string) bool {
			n.lines("\n" + n.running.host + " con0 is now available\n\nPress RETURN to get started.\n")
			for k := n.key(0); k != '\r' && k != '\n' && k != none; {
				k = n.key(0)
			}
			n.mode = user
			n.say("\r\n")
			return false
		}},
		do(config, "hostname NAME", "Set the name in the prompt", func(n *networkSwitch, args []string) {
			n.running.host = args[0][:min(len(args[0]), 63)]
		}),
		do(config, "interface NAME", "Configure an interface, such as gi1/0/1 or te1/0/2", (*networkSwitch).enter),
		do(configurePort, "no shutdown", "Switch the interface on", func(n *networkSwitch, _ []string) { n.shut(false) }),
		{enabled, []string{"reload"}, "Start the switch again", func(n *networkSwitch, _ []string) bool {
			n.say("Proceed with reload? [confirm]")
			key := n.key(0)
			n.say("\r\n")
			return key == '\r' || key == '\n' || key == 'y' || key == 'Y'
		}},
		do(show, "show clock", "The time", (*networkSwitch).clock),
		do(show, "show interfaces", "Interfaces with their counters", (*networkSwitch).interfaces),
		do(show, "show interfaces status", "Interfaces, one a line", (*networkSwitch).status),
		do(enabled, "show running-config", "The configuration in force", (*networkSwitch).config),
		do(show, "show version", "Hardware, software and how long it is up", (*networkSwitch).version),
		do(configurePort, "shutdown", "Switch the interface off", func(n *networkSwitch, _ []string) { n.shut(true) }),
		do(enabled, "write", "Keep the configuration", (*networkSwitch).save),
		do(enabled, "write memory", "Keep the configuration", (*networkSwitch).save),
	}
}

// fits reports whether what was typed can stand for a command's word.
func fits(word, typed string) bool {
	return word == strings.ToUpper(word) || strings.HasPrefix(word, strings.ToLower(typed))
}

// find narrows the commands of this mode down, word by word. bad is the number of the
// first word that fits none, or -1. A word that is typed in full means nothing longer.
func (n *networkSwitch) find(words []string) (left []command, bad int) {
	for _, c := range commandTable() {
		if c.in&n.mode != 0 {
			left = append(left, c)
		}
	}
	for i, typed := range words {
		was := left
		left = nil
		exact := false
		for _, c := range was {
			// The last of a command's words takes the rest of the line if it stands for any.
			last := len(c.words) - 1
			if i > last && c.words[last] == "TEXT" {
				left = append(left, c)
				continue
			}
			if i > last || !fits(c.words[i], typed) {
				continue
			}
			if full := c.words[i] == strings.ToLower(typed); full && !exact {
				exact, left = true, nil
			} else if exact && !full {
				continue
			}
			left = append(left, c)
		}
		if len(left) == 0 {
			return nil, i
		}
	}
	return left, -1
}

// run runs a line. It reports whether to leave the command line, for a reload.
func (n *networkSwitch) run(line string) (leave bool) {
	words := strings.Fields(line)
	if len(words) == 0 || strings.HasPrefix(words[0], "!") {
		return false
	}
	left, bad := n.find(words)
	if bad >= 0 {
		n.invalid(line, bad)
		return false
	}
	whole := slices.DeleteFunc(slices.Clone(left), func(c command) bool {
		return len(c.words) > len(words)
	})
	switch {
	case len(whole) == 1:
		// The words that stand for any are the arguments.
		first := slices.IndexFunc(whole[0].words, func(w string) bool { return w == strings.ToUpper(w) })
		if first < 0 {
			first = len(words)
		}
		return whole[0].run(n, words[first:])
	case len(whole) > 1 || nexts(left, len(words)-1) > 1:
		n.lines(fmt.Sprintf("%% Ambiguous command:  %q\n", line))
	default:
		n.lines("% Incomplete command.\n\n")
	}
	return false
}

// nexts is how many different words the commands have at place i.
func nexts(commands []command, i int) int { return len(choices(commands, i)) }

// choices is the different words that the commands have at place i, in order.
func choices(commands []command, i int) []string {
	var words []string
	for _, c := range commands {
		if i < len(c.words) && !slices.Contains(words, c.words[i]) {
			words = append(words, c.words[i])
		}
	}
	return words
}

// invalid points at the word that fits nothing.
func (n *networkSwitch) invalid(line string, word int) {
	rest := line
	for _, w := range strings.Fields(line)[:word] {
		rest = strings.TrimLeft(rest, " ")[len(w):]
	}
	rest = strings.TrimLeft(rest, " ")
	column := len(n.promptText()) + len(line) - len(rest)
	n.lines(strings.Repeat(" ", column) + "^\n% Invalid input detected at '^' marker.\n\n")
}

// help answers ? with what may come next, and completes a word for Tab.
func (n *networkSwitch) help(key byte, line string) (add string) {
	words := strings.Fields(line)
	begun := ""
	if len(words) > 0 && !strings.HasSuffix(line, " ") {
		begun = words[len(words)-1]
		words = words[:len(words)-1]
	}
	left, bad := n.find(words)
	place := len(words)
	left = slices.DeleteFunc(left, func(c command) bool { return place < len(c.words) && !fits(c.words[place], begun) })
	next := choices(left, place)
	if key == '\t' {
		if len(next) == 1 && next[0] != strings.ToUpper(next[0]) && begun != "" {
			return next[0][len(begun):] + " "
		}
		return ""
	}
	n.say("?\r\n")
	if bad >= 0 || len(next) == 0 && begun != "" {
		n.lines("% Unrecognized command\n")
		return ""
	}
	for _, word := range next {
		// What a word means is said where it is the last one.
		about := "..."
		for _, c := range left {
			if c.words[place] == word && len(c.words) == place+1 {
				about = c.about
			}
		}
		n.lines(fmt.Sprintf("  %-16s %s\n", word, about))
	}
	if slices.ContainsFunc(left, func(c command) bool { return len(c.words) == place }) {
		n.lines("  <cr>\n")
	}
	n.say("\r\n")
	return ""
}
