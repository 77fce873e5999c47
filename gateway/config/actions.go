package config

import (
	"slices"
	"time"

	"consoled/gateway/action"
	"consoled/ports/ipmi"
)

// Bounds of actions.
const (
	mostActions   = 100 // of one console; people choose from a list
	longestAction = 24 * time.Hour
)

// viaIPMI is what stands for all of power where the line's own controller does it.
const viaIPMI = "ipmi"

// readActions reads a map of names to actions. The name power in it is the key
// power.
func readActions(r *reader, d *draft, v *value) (string, bool) {
	rest := *v
	rest.pairs = nil
	var shown []string
	ok := true
	for _, p := range v.pairs {
		switch err := checkWord(p.key.text); {
		case err != nil:
			r.error(p.key.place, "actions: %v", err)
			ok = false
		case p.key.text == "power":
			text, good := r.choice("power", p.value, viaIPMI)
			d.allPower = good
			shown, ok = append(shown, "power: "+text), ok && good
		default:
			rest.pairs = append(rest.pairs, p)
		}
	}
	list, more, good := r.actions("actions", &rest)
	d.actions = list
	return showMap(append(shown, more...)), ok && good
}

// readPower reads ipmi, which is every power action, or a map of an action each.
func readPower(r *reader, d *draft, v *value) (string, bool) {
	if v.kind == isText {
		text, ok := r.choice("power", v, viaIPMI)
		d.power = ownPower()
		return text, ok
	}
	known := *v
	if v.kind == isMap {
		known.pairs = r.table("power", v, action.Power(), nil)
	}
	list, shown, ok := r.actions("power", &known)
	d.power = list
	return showMap(shown), ok && len(known.pairs) == len(v.pairs)
}

// ownPower is what a management controller does.
func ownPower() (list action.List) {
	for _, name := range action.Power() {
		list = append(list, action.Action{Name: name, Confirm: action.Confirms(name), Way: action.IPMI{Command: name}})
	}
	return list
}

// actions reads the actions of a map.
func (r *reader) actions(where string, v *value) (list action.List, shown []string, ok bool) {
	switch {
	case v.kind != isMap:
		r.mistake(where, v, "%s where a map is expected", v.kind)
		return nil, nil, false
	case len(v.pairs) > mostActions:
		r.mistake(where, v, "more than %d actions", mostActions)
		return nil, nil, false
	}
	ok = true
	for _, p := range v.pairs {
		a, text, good := r.action(p.key.text, p.value)
		list = append(list, a)
		shown, ok = append(shown, p.key.text+": "+text), ok && good
	}
	return list, shown, ok
}

// action reads one action: a map with the way in which it is done, or ipmi
// alone for a power action.
func (r *reader) action(name string, v *value) (a action.Action, shown string, ok bool) {
	key := "action " + name
	a = action.Action{Name: name, Confirm: action.Confirms(name)}
	if v.kind == isText && v.text == viaIPMI && action.IsPower(name) {
		a.Way = action.IPMI{Command: name}
		return a, "{ipmi: " + name + "}", true
	}
	if v.kind != isMap {
		r.mistake(key, v, "write what it does: {exec: [PROGRAM, ARGUMENT]}, {ssh: COMMAND} or {ipmi: COMMAND}")
		return a, "", false
	}
	pairs := r.table(key, v, []string{"exec", "ssh", "ipmi", "confirm", "description", "timeout"}, nil)
	ok = len(pairs) == len(v.pairs)
	var parts []string
	ways := 0
	for _, p := range pairs {
		way, text, good := r.way(p.key.text, p.value)
		switch {
		case way != nil:
			a.Way = way
			ways++
		case p.key.text == "confirm":
			if a.Confirm, good = r.boolean("confirm", p.value); a.Confirm != action.Confirms(name) {
				text = p.value.text
			}
		case p.key.text == "description":
			a.Description, good = r.filled("description", p.value)
			text = show(a.Description)
		case p.key.text == "timeout":
			a.Timeout, good = r.duration("timeout", p.value, time.Second, longestAction)
			if text = showDuration(a.Timeout); a.Timeout == action.DefaultTimeout {
				a.Timeout, text = 0, ""
			}
		}
		if ok = ok && good; text != "" {
			parts = append(parts, p.key.text+": "+text)
		}
	}
	if ok && ways != 1 {
		r.mistake(key, v, "it has exactly one of exec, ssh and ipmi")
		ok = false
	}
	return a, showMap(parts), ok
}

// way reads how an action is done; it is nil where the key says something else
// or has a mistake. Where the line's own host or controller does it, that is
// filled in later.
func (r *reader) way(key string, v *value) (_ action.Way, shown string, ok bool) {
	switch key {
	case "exec":
		argv, ok := r.argv(v)
		if !ok {
			return nil, "", false
		}
		return action.Exec{Argv: argv}, showList(argv), true
	case "ssh":
		if v.kind == isMap {
			return r.elsewhere(v)
		}
		command, ok := r.filled("ssh", v)
		if !ok {
			return nil, "", false
		}
		return action.SSH{Command: command}, show(command), true
	case "ipmi":
		command, ok := r.choice("ipmi", v, action.Power()...)
		if !ok {
			return nil, "", false
		}
		return action.IPMI{Command: command}, command, true
	}
	return nil, "", true
}

// elsewhere reads a command at another host than the line's: the settings of an
// ssh line, whose command it is.
func (r *reader) elsewhere(v *value) (_ action.Way, shown string, ok bool) {
	d := draft{ssh: newSSH(r.folder)}
	shown, ok = readSSH(r, &d, v)
	if !ok {
		return nil, "", false
	}
	command := d.ssh.Command
	if d.ssh.Command = ""; command == "" {
		r.mistake("ssh", v, "no command; write command: TEXT")
		return nil, "", false
	}
	if err := d.ssh.Check(); err != nil {
		r.mistake("ssh", v, "%v", err)
		return nil, "", false
	}
	return action.SSH{Remote: d.ssh, Command: command}, shown, true
}

// act puts the console's actions together, once its line is known.
func (b *builder) act(e *entry, d *draft) {
	at := func(key string) place {
		if s, ok := e.settings[key]; ok {
			return s.key.place
		}
		return e.key.place
	}
	if d.allPower {
		if d.power != nil {
			b.error(at("power"), "%spower stands in actions and beside it, at %s", forName(d.Subject.Name, e), at("actions"))
			return
		}
		d.power = ownPower()
	}
	d.Actions = slices.Clone(d.actions)
	own := e.settings["power"].value
	for _, a := range d.power {
		_, twice := d.actions.Find(a.Name)
		if twice && own != nil && own.kind == isMap {
			b.error(at("power"), "%s%s stands in power and in actions, at %s", forName(d.Subject.Name, e), a.Name, at("actions"))
		}
		if !twice { // an action of its own takes the place of the controller's
			d.Actions = append(d.Actions, a)
		}
	}
	d.Actions.Sort()
	for i := range d.Actions {
		a := &d.Actions[i]
		key := "actions"
		if _, ok := d.power.Find(a.Name); ok && !d.allPower {
			key = "power"
		}
		if lacks := d.bind(a); lacks != "" {
			b.error(at(key), "%saction %s needs %s line, and this one is %s", forName(d.Subject.Name, e), a.Name, lacks, e.line)
			return
		}
	}
}

// bind fills in the line's own host or controller, or says what line an
// action needs.
func (d *draft) bind(a *action.Action) string {
	switch way := a.Way.(type) {
	case action.IPMI:
		bmc, ok := d.Backend.(*ipmi.IPMI)
		if !ok {
			return "an ipmi"
		}
		way.Chassis = chassis{bmc}
		a.Way = way
	case action.SSH:
		if way.Remote != nil {
			return "" // another host
		}
		if way.Remote, _ = d.Backend.(action.Remote); way.Remote == nil {
			return "an ssh"
		}
		a.Way = way
	}
	return ""
}
