package config

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"consoled/ports"
)

// readDevice keeps a name without a slash, which is one below
// /dev/serial/by-id or the name that Windows gives; the backend knows.
func readDevice(r *reader, d *draft, v *value) (string, bool) {
	text, ok := r.filled("serial", v)
	if strings.ContainsRune(text, '/') {
		text = v.file.resolve(text)
	}
	d.serial.Path = text
	return show(text), ok
}

func readBaud(r *reader, d *draft, v *value) (shown string, ok bool) {
	d.serial.Baud, ok = r.integer("baud", v, 50, 20_000_000)
	return strconv.Itoa(d.serial.Baud), ok
}

func readData(r *reader, d *draft, v *value) (shown string, ok bool) {
	d.serial.Data, ok = r.integer("data", v, 5, 8)
	return strconv.Itoa(d.serial.Data), ok
}

// readLines reads the modem lines. They are on or off, as the standard calls
// it; one that is not named is left as the driver raises it.
func readLines(r *reader, d *draft, v *value) (string, bool) {
	s := &d.serial
	return r.members("lines", v, []string{"dtr", "rts", "hupcl"}, func(key string, v *value) (text string, ok bool) {
		text, ok = r.choice(key, v, "on", "off")
		switch key {
		case "dtr":
			s.DTR = text
		case "rts":
			s.RTS = text
		case "hupcl":
			s.HUPCL = text == "on"
		}
		return text, ok
	})
}

// showMap takes "key: value" in any order.
func showMap(shown []string) string {
	slices.Sort(shown)
	return "{" + strings.Join(shown, ", ") + "}"
}

func readRFC2217(r *reader, d *draft, v *value) (shown string, ok bool) {
	d.telnet.RFC2217, ok = r.boolean("rfc2217", v)
	return strconv.FormatBool(d.telnet.RFC2217), ok
}

// readTLS takes true or false, or a map. It looks into the files, so that what
// is wrong with them is told before it keeps a console down.
func readTLS(r *reader, d *draft, v *value) (string, bool) {
	t := &d.network.TLS
	if v.kind == isText {
		on, ok := r.boolean("tls", v)
		t.On = on
		return strconv.FormatBool(on), ok
	}
	t.On = true
	shown, ok := r.members("tls", v, []string{"ca", "name", "cert", "key"}, func(key string, v *value) (string, bool) {
		read := r.path
		if key == "name" {
			read = r.filled
		}
		text, ok := read(key, v)
		*map[string]*string{"ca": &t.CA, "name": &t.Name, "cert": &t.Cert, "key": &t.Key}[key] = text
		return show(text), ok
	})
	if ok {
		if err := checkTLS(*t); err != nil {
			r.mistake("tls", v, "%s", strings.TrimPrefix(err.Error(), "tls "))
			ok = false
		}
	}
	return shown, ok
}

// checkTLS puts the way to mend it behind a mistake.
func checkTLS(t ports.TLS) error {
	if err := t.Check(); err != nil {
		return err
	}
	_, err := t.Load("any:0")
	if e, ok := errors.AsType[*ports.Error](err); ok && e.Fix != "" {
		return fmt.Errorf("%w; %s", err, e.Fix)
	}
	return err
}

// readUnix leaves a name of Linux's abstract name space alone.
func readUnix(r *reader, d *draft, v *value) (string, bool) {
	text, ok := r.filled("unix", v)
	if !strings.HasPrefix(text, "@") {
		text = v.file.resolve(text)
	}
	d.unix.Path = text
	return show(text), ok
}

func readArgv(r *reader, d *draft, v *value) (shown string, ok bool) {
	d.exec.Argv, ok = r.argv(v)
	return showList(d.exec.Argv), ok
}

// argv is a program and its arguments, which the key exec has. It wants a list: a single text would
// have to be split like a shell does, and nobody could say where.
func (r *reader) argv(v *value) ([]string, bool) {
	const key = "exec"
	if v.kind == isText {
		r.mistake(key, v, "the program and its arguments are a list: [%s]", strings.Join(strings.Fields(oneLine(v.text)), ", "))
		return nil, false
	}
	values, ok := r.values(key, v)
	argv := make([]string, 0, len(values))
	for _, x := range values {
		text, good := r.block(key, x)
		argv = append(argv, text)
		ok = ok && good
	}
	if ok && (len(argv) == 0 || argv[0] == "") {
		r.mistake(key, v, "no program")
		return nil, false
	}
	// A program beside the configuration; a bare name is looked up.
	if ok && strings.ContainsRune(argv[0], '/') {
		argv[0] = values[0].file.resolve(argv[0])
	}
	return argv, ok
}

func readEnv(r *reader, d *draft, v *value) (string, bool) {
	if v.kind != isMap {
		r.mistake("env", v, "%s where a map is expected", v.kind)
		return "", false
	}
	if len(v.pairs) > maxList {
		r.mistake("env", v, "more than %d variables", maxList)
		return "", false
	}
	env := make(map[string]string, len(v.pairs))
	var shown []string
	ok := true
	for _, p := range v.pairs {
		if !isVariable(p.key.text) {
			r.error(p.key.place, "env: %s is no name for a variable", quoted(p.key.text))
			ok = false
			continue
		}
		text, good := r.block("env", p.value)
		env[p.key.text] = text
		shown = append(shown, p.key.text+": "+show(text))
		ok = ok && good
	}
	d.exec.Env = env
	return showMap(shown), ok
}

func readDir(r *reader, d *draft, v *value) (shown string, ok bool) {
	d.exec.Dir, ok = r.path("dir", v)
	return show(d.exec.Dir), ok
}

func readSize(r *reader, d *draft, v *value) (shown string, ok bool) {
	d.exec.Cols, d.exec.Rows, shown, ok = r.terminal("size", v)
	return shown, ok
}

// terminal is the size of a terminal.
func (r *reader) terminal(key string, v *value) (cols, rows int, shown string, ok bool) {
	text, ok := r.text(key, v)
	if !ok {
		return 0, 0, "", false
	}
	const most = 1000
	c, w, _ := strings.Cut(text, "x")
	n, err1 := strconv.ParseUint(c, 10, 16)
	m, err2 := strconv.ParseUint(w, 10, 16)
	if err1 != nil || err2 != nil || n == 0 || m == 0 || n > most || m > most {
		r.mistake(key, v, "%s is not columns x rows such as 80x24, at most %dx%d", quoted(text), most, most)
		return 0, 0, "", false
	}
	return int(n), int(m), fmt.Sprintf("%dx%d", n, m), true
}

// readSim takes the kind alone, or a map.
func readSim(r *reader, d *draft, v *value) (string, bool) {
	s := &d.sim
	if v.kind == isText {
		text, ok := r.filled("sim", v)
		s.Kind = text
		return show(text), ok
	}
	return r.members("sim", v, []string{"kind", "name", "rate", "seed", "speed"}, func(key string, v *value) (text string, ok bool) {
		switch key {
		case "kind":
			s.Kind, ok = r.filled(key, v)
			text = show(s.Kind)
		case "name":
			s.Name, ok = r.filled(key, v)
			text = show(s.Name)
		case "rate":
			s.Rate, ok = r.size(key, v, 1<<30)
			text = showSize(s.Rate)
		case "seed":
			var seed int
			seed, ok = r.integer(key, v, 0, math.MaxInt32)
			s.Seed, text = uint64(seed), strconv.Itoa(seed)
		case "speed":
			s.Speed, ok = r.factor(key, v, 0.01, 1000)
			text = strconv.FormatFloat(s.Speed, 'f', -1, 64)
		}
		return text, ok
	})
}
