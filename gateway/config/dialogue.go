package config

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"consoled/gateway/console"
	"consoled/gateway/dialogue"
)

// maxSteps is the most steps of a dialogue, each of which may take its time.
const maxSteps = 50

// readLogin reads the ready-made dialogue.
func readLogin(r *reader, d *draft, v *value) (string, bool) {
	l := &dialogue.Login{}
	shown, ok := r.members("login", v, []string{"user", "password", "prompts", "timeout"}, func(key string, v *value) (text string, ok bool) {
		switch key {
		case "user":
			l.User, ok = r.filled(key, v)
			text = show(l.User)
		case "password":
			l.Password, text, ok = r.secret(key, v)
		case "prompts":
			text, ok = r.prompts(l, v)
		case "timeout":
			l.Timeout, ok = r.duration(key, v, time.Second, dialogue.Longest)
			text = showDuration(l.Timeout)
		}
		return text, ok
	})
	if ok && l.User == "" && l.Password == nil {
		r.mistake("login", v, "neither user nor password")
		return "", false
	}
	d.Connect.Login = l
	return shown, ok
}

func (r *reader) prompts(l *dialogue.Login, v *value) (string, bool) {
	return r.members("prompts", v, []string{"user", "password"}, func(key string, v *value) (string, bool) {
		re, text, ok := r.pattern(key, v)
		if key == "user" {
			l.AsksUser = re
		} else {
			l.AsksPassword = re
		}
		return text, ok
	})
}

// pattern is a regular expression.
func (r *reader) pattern(key string, v *value) (*regexp.Regexp, string, bool) {
	text, ok := r.text(key, v)
	if !ok {
		return nil, "", false
	}
	re, err := regexp.Compile(text)
	switch {
	case err != nil:
		r.mistake(key, v, "%s", oneLine(strings.TrimPrefix(err.Error(), "error parsing regexp: ")))
		return nil, "", false
	case re.MatchString(""):
		r.mistake(key, v, "%s matches where nothing was said", quoted(text))
		return nil, "", false
	}
	return re, show(text), true
}

// readOnConnect reads the steps before people are let through.
func readOnConnect(r *reader, d *draft, v *value) (string, bool) {
	if v.kind != isList {
		r.mistake("on_connect", v, "%s where a list of steps is expected, such as [{expect: \"=>\"}, {send: \"\\\\r\"}]", v.kind)
		return "", false
	}
	if len(v.items) > maxSteps {
		r.mistake("on_connect", v, "more than %d steps", maxSteps)
		return "", false
	}
	ok := true
	var steps []dialogue.Step
	var shown []string
	for _, x := range v.items {
		step, text, good := r.connectStep(x)
		steps = append(steps, step)
		shown = append(shown, text)
		ok = ok && good
	}
	d.Connect.Steps = steps
	return "[" + strings.Join(shown, ", ") + "]", ok
}

func (r *reader) connectStep(v *value) (step dialogue.Step, shown string, ok bool) {
	var does []string
	shown, ok = r.members("on_connect", v, []string{"send", "expect", "break", "password", "exec", "timeout"}, func(key string, v *value) (text string, ok bool) {
		if key != "timeout" {
			does = append(does, key)
		}
		switch key {
		case "send":
			step.Send, text, ok = r.sequence(key, v)
		case "expect":
			step.Expect, text, ok = r.pattern(key, v)
		case "break":
			step.Break, ok = r.duration(key, v, 10*time.Millisecond, 3*time.Second)
			text = showDuration(step.Break)
		case "password":
			step.Secret, text, ok = r.secret(key, v)
		case "exec":
			step.Exec, ok = r.argv(v)
			text = showList(step.Exec)
		case "timeout":
			step.Timeout, ok = r.duration(key, v, 100*time.Millisecond, dialogue.Longest)
			text = showDuration(step.Timeout)
		}
		return text, ok
	})
	switch {
	case !ok:
	case len(does) != 1:
		r.mistake("on_connect", v, "a step has exactly one of send, expect, break, password and exec")
		ok = false
	case step.Timeout > 0 && (does[0] == "send" || does[0] == "break"):
		r.mistake("on_connect", v, "timeout is for expect, password and exec; %s waits for nothing", does[0])
		ok = false
	}
	return step, shown, ok
}

// sequence is what is sent: a text with escapes.
func (r *reader) sequence(key string, v *value) (dialogue.Sequence, string, bool) {
	text, ok := r.text(key, v)
	if !ok {
		return nil, "", false
	}
	s, err := dialogue.ParseSequence(text)
	if err == nil && len(s) > 0 {
		return s, show(text), true
	}
	if err != nil {
		r.mistake(key, v, "%v, \\d for a delay, \\z for BREAK", err)
	} else {
		r.mistake(key, v, "nothing to send")
	}
	return nil, "", false
}

// readOnIdle reads what is sent when nobody has typed for a while.
func readOnIdle(r *reader, d *draft, v *value) (string, bool) {
	m := &d.Manners
	shown, ok := r.members("on_idle", v, []string{"after", "send"}, func(key string, v *value) (text string, ok bool) {
		if key == "after" {
			m.IdleAfter, ok = r.duration(key, v, time.Second, 365*24*time.Hour)
			return showDuration(m.IdleAfter), ok
		}
		m.OnIdle, text, ok = r.sequence(key, v)
		return text, ok
	})
	if ok && (m.IdleAfter == 0 || m.OnIdle == nil) {
		r.mistake("on_idle", v, "both after and send are needed, such as {after: 20m, send: \"\\\\r\"}")
		return "", false
	}
	return shown, ok
}

// readOnLeave reads what is sent when the last who wrote has left.
func readOnLeave(r *reader, d *draft, v *value) (string, bool) {
	shown, ok := r.members("on_leave", v, []string{"send"}, func(key string, v *value) (text string, ok bool) {
		d.Manners.OnLeave, text, ok = r.sequence(key, v)
		return text, ok
	})
	if ok && d.Manners.OnLeave == nil {
		r.mistake("on_leave", v, "nothing to send; write {send: \"exit\\\\r\"}")
		return "", false
	}
	return shown, ok
}

func readOnDemand(r *reader, d *draft, v *value) (_ string, ok bool) {
	d.Manners.OnDemand, ok = r.boolean("ondemand", v)
	return strconv.FormatBool(d.Manners.OnDemand), ok
}

func readRate(r *reader, d *draft, v *value) (_ string, ok bool) {
	d.Manners.Rate, ok = r.integer("rate", v, 1, 1000)
	return strconv.Itoa(d.Manners.Rate), ok
}

// readBreak reads the break sequences. 0 stays the plain BREAK.
func readBreak(r *reader, d *draft, v *value) (string, bool) {
	if v.kind != isMap {
		r.mistake("break", v, "%s where a map is expected, such as {\"1\": \"\\\\z\", a: {send: \"\\\\d\\\\z\", confirm: true}}", v.kind)
		return "", false
	}
	all := make(map[string]console.NamedSequence, len(v.pairs))
	var shown []string
	ok := true
	for _, p := range v.pairs {
		name := p.key.text
		if len(name) != 1 || !(name[0] >= '1' && name[0] <= '9' || name[0] >= 'a' && name[0] <= 'z') {
			r.error(p.key.place, "break: %s is not a digit from 1 to 9 or a small letter; 0 is the plain BREAK", quoted(name))
			ok = false
			continue
		}
		s, text, good := r.namedSequence(p.value)
		all[name] = s
		if name[0] <= '9' || slices.Contains([]string{"n", "y"}, name) { // YAML's numbers and booleans
			name = strconv.Quote(name)
		}
		shown = append(shown, name+": "+text)
		ok = ok && good
	}
	d.Manners.Breaks = all
	return showMap(shown), ok
}

// namedSequence takes the sequence alone, or a map.
func (r *reader) namedSequence(v *value) (s console.NamedSequence, shown string, ok bool) {
	if v.kind == isText {
		s.Send, shown, ok = r.sequence("break", v)
		return s, shown, ok
	}
	shown, ok = r.members("break", v, []string{"send", "confirm"}, func(key string, v *value) (text string, ok bool) {
		if key == "send" {
			s.Send, text, ok = r.sequence(key, v)
			return text, ok
		}
		s.Confirm, ok = r.boolean(key, v)
		return strconv.FormatBool(s.Confirm), ok
	})
	if ok && len(s.Send) == 0 {
		r.mistake("break", v, "nothing to send")
		ok = false
	}
	return s, shown, ok
}
