package attach

import "strings"

// longestAnswer bounds what is typed at a prompt, in bytes.
const longestAnswer = 200

// A prompt is an open question to the person. While it is open keystrokes go
// to it, not to the target, and the record waits.
type prompt struct {
	question string
	text     []byte
	done     func(string)
}

// open asks a question, in the name of the console.
func (s *session) open(question string, done func(string)) {
	question = "[" + s.console.Name() + "] " + question
	s.prompt = &prompt{question: question, done: done}
	s.painter.pause(true)
	s.painter.say(paint{raw: "\r\n" + question, asking: &question})
}

// echo shows a change of the answer.
func (p *prompt) echo(to *painter, raw string) {
	asking := p.question + string(p.text)
	to.say(paint{raw: raw, asking: &asking})
}

// answer takes one byte at the prompt. An escape sequence cancels it: who
// types one means its key, and what follows is not for the target either.
func (s *session) answer(b byte) {
	p := s.prompt
	if s.escape.begins(b) {
		if s.escape.next(b); s.escape.command {
			s.close()
			s.notice("cancelled.")
		}
		return
	}
	switch {
	case b == '\r' || b == '\n':
		s.close()
		p.done(string(p.text))
	case b == 0x03 || b == 0x1b || b == 0x04:
		s.close()
		s.notice("cancelled.")
	case b == 0x7f || b == '\b':
		if len(p.text) > 0 {
			p.text = p.text[:len(p.text)-1]
			p.echo(s.painter, "\b \b")
		}
	case b >= ' ' && b < 0x7f && len(p.text) < longestAnswer:
		p.text = append(p.text, b)
		p.echo(s.painter, string(b))
	}
}

// yes reports whether the answer to a question with (y/n) agrees.
func yes(answer string) bool {
	return strings.EqualFold(answer, "y") || strings.EqualFold(answer, "yes")
}

// close takes the question from the screen and lets the record go on.
func (s *session) close() {
	s.prompt = nil
	s.painter.say(paint{raw: "\r\n", asking: new(string)})
	s.painter.pause(false)
}
