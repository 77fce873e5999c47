package attach

// longestAnswer bounds what is typed at a prompt, in bytes.
const longestAnswer = 200

// A prompt is an open question to the person. While it is open keystrokes go
// to it, not to the target, and the record waits.
type prompt struct {
	question string
	text     []byte
	done     func(string)
}

// open asks a question.
func (s *session) open(question string, done func(string)) {
	s.prompt = &prompt{question: question, done: done}
	s.painter.pause(true)
	s.painter.say(paint{raw: "\r\n" + question, asking: &question})
}

// echo shows a change of the answer.
func (p *prompt) echo(to *painter, raw string) {
	asking := p.question + string(p.text)
	to.say(paint{raw: raw, asking: &asking})
}

// answer takes one byte at the prompt.
func (s *session) answer(b byte) {
	p := s.prompt
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

// close takes the question from the screen and lets the record go on.
func (s *session) close() {
	s.prompt = nil
	s.painter.say(paint{raw: "\r\n", asking: new(string)})
	s.painter.pause(false)
}
