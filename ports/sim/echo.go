package sim

import "bytes"

// echo gives back what it gets.
func (a *actor) echo() {
	for p := a.input(); p != nil; p = a.input() {
		a.say(string(bytes.ReplaceAll(p, []byte("\r"), []byte("\r\n"))))
	}
}
