package sim

import "unicode/utf8"

// maxLine is how much a line that is typed may hold.
const maxLine = 200

// An editor reads lines as a terminal's line discipline does.
type editor struct {
	*actor
	key    func() int
	secret bool                                     // nothing is echoed
	help   func(key byte, line string) (add string) // called for ? and Tab, if there is one; nothing is echoed for them
	prompt func()                                   // says the prompt, for help
}

// line reads a line. It is not ok for Control-D in an empty line and at the end of the script.
func (e *editor) line() (text string, ok bool) {
	var p []byte
	echo := func(text string) {
		if !e.secret {
			e.say(text)
		}
	}
	for {
		k := e.key()
		switch {
		case k == none:
			return "", false
		case k == '\r' || k == '\n':
			e.say("\r\n")
			return string(p), true
		case k == '\b' || k == 0x7f:
			if len(p) > 0 {
				_, n := utf8.DecodeLastRune(p)
				p = p[:len(p)-n]
				echo("\b \b")
			}
		case k == 'U'&0x1f || k == 'W'&0x1f && len(p) > 0:
			for len(p) > 0 {
				_, n := utf8.DecodeLastRune(p)
				space := p[len(p)-1] == ' '
				p = p[:len(p)-n]
				echo("\b \b")
				if k == 'W'&0x1f && !space && len(p) > 0 && p[len(p)-1] == ' ' {
					break
				}
			}
		case k == 'C'&0x1f:
			e.say("^C\r\n")
			return "", true
		case k == 'D'&0x1f:
			if len(p) == 0 {
				return "", false
			}
		case (k == '?' || k == '\t') && e.help != nil:
			line := string(p)
			add := e.help(byte(k), line)
			p = append(p, add...)
			if k == '?' {
				e.prompt()
				e.say(line)
			}
			e.say(add)
		case k < ' ' || k > 0xff:
		case len(p) >= maxLine:
			e.say("\a")
		default:
			p = append(p, byte(k))
			echo(string([]byte{byte(k)}))
		}
	}
}
