//go:build e2e && linux

package main_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"github.com/creack/pty"
	"github.com/rogpeppe/go-internal/testscript"
)

// A terminal is a window with a program in it: somebody at the keyboard.
type terminal struct {
	*process
	ptmx   *os.File
	titles *transcript // what the gateway has put above it
}

func cmdTTY(ts *testscript.TestScript, neg bool, args []string) {
	refuseNeg(ts, neg)
	usage(ts, len(args) >= 2, "tty NAME start PROGRAM ARGS... | send TEXT | expect RE [LIMIT] | title RE | find VAR RE | never RE | exits CODE | close | kill")
	r, name, word, rest := rigOf(ts), args[0], args[1], args[2:]
	if word == "start" {
		usage(ts, len(rest) > 0, "tty NAME start PROGRAM ARGS...")
		t, err := r.startTTY(ts, rest)
		ts.Check(err)
		r.ttys[name] = t
		return
	}
	t := r.ttys[name]
	if t == nil {
		ts.Fatalf("no tty %q", name)
	}
	switch word {
	case "send":
		usage(ts, len(rest) == 1, "tty NAME send TEXT")
		text, err := unescape(rest[0])
		ts.Check(err)
		_, err = io.WriteString(t.ptmx, text)
		ts.Check(err)
	case "expect":
		usage(ts, len(rest) == 1 || len(rest) == 2, "tty NAME expect RE [LIMIT]")
		_, err := t.out.expect(pattern(ts, rest[0]), limit(ts, rest[1:], usualLimit))
		ts.Check(err)
	case "title":
		usage(ts, len(rest) == 1, "tty NAME title RE")
		_, err := t.titles.expect(pattern(ts, rest[0]), usualLimit)
		ts.Check(err)
	case "find":
		usage(ts, len(rest) == 2, "tty NAME find VAR RE")
		groups, err := t.out.expect(pattern(ts, rest[1]), usualLimit)
		ts.Check(err)
		usage(ts, len(groups) == 2, "tty NAME find VAR RE, with one group")
		ts.Setenv(rest[0], groups[1])
	case "never":
		usage(ts, len(rest) == 1, "tty NAME never RE")
		if t.out.holds(pattern(ts, rest[0])) {
			ts.Fatalf("%q is there: %q", rest[0], t.out.tail(2000))
		}
	case "exits":
		usage(ts, len(rest) == 1, "tty NAME exits CODE")
		want, err := strconv.Atoi(rest[0])
		ts.Check(err)
		got, err := t.wait(usualLimit)
		ts.Check(err)
		if got != want {
			ts.Fatalf("exit code %d, not %d; last output: %q", got, want, t.out.tail(1000))
		}
	case "close": // the window is closed: the program gets SIGHUP
		ts.Check(t.ptmx.Close())
		_, err := t.wait(usualLimit)
		ts.Check(err)
	case "kill": // the laptop's battery is empty
		t.kill()
	default:
		ts.Fatalf("tty: unknown word %q", word)
	}
}

// startTTY runs the program on a terminal of its own, wide enough that no
// notice is cut.
func (r *rig) startTTY(ts *testscript.TestScript, args []string) (*terminal, error) {
	path, err := lookPath(ts, args[0])
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(path, args[1:]...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = environment(ts)
	// A session is a process group too, so it is stopped like the others.
	ptmx, err := pty.StartWithAttrs(cmd, &pty.Winsize{Rows: 30, Cols: 160},
		&syscall.SysProcAttr{Setsid: true, Setctty: true, Pdeathsig: syscall.SIGKILL})
	if err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, out: newTranscript(), done: make(chan struct{})}
	titles, copied := newTranscript(), make(chan struct{})
	go func() { // ends when the program or the window has gone
		_, _ = io.Copy(&untitled{text: p.out, titles: titles}, ptmx)
		titles.end()
		close(copied)
	}()
	r.own(p, copied)
	r.onCleanup(func() {
		p.kill()
		_ = ptmx.Close()
		<-copied
	})
	return &terminal{process: p, ptmx: ptmx, titles: titles}, nil
}

// untitled keeps the window titles of the gateway apart, which may stand in the
// middle of any word that a script expects.
type untitled struct {
	text, titles io.Writer
	held         []byte // may be the beginning of one
}

var title = regexp.MustCompile(`\x1b\]0;\[[^\x07]*\x07`)

func (u *untitled) Write(p []byte) (int, error) {
	text := append(u.held, p...)
	for _, t := range title.FindAll(text, -1) {
		if _, err := u.titles.Write(t); err != nil {
			return 0, err
		}
	}
	text = title.ReplaceAll(text, nil)
	end := len(text)
	if at := bytes.LastIndexByte(text, 0x1b); at >= 0 {
		const begins = "\x1b]0;["
		n := min(len(text)-at, len(begins))
		if string(text[at:at+n]) == begins[:n] {
			end = at
		}
	}
	u.held = bytes.Clone(text[end:])
	_, err := u.text.Write(text[:end])
	return len(p), err
}

// unescape reads the spellings that the send command of the gateway has too:
// \r \n \t \e \\ \xHH \cX.
func unescape(text string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			b.WriteByte(text[i])
			continue
		}
		i++
		if i == len(text) {
			return "", errors.New("a backslash at the end")
		}
		switch text[i] {
		case 'r':
			b.WriteByte('\r')
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		case 'e':
			b.WriteByte(0x1b)
		case '\\':
			b.WriteByte('\\')
		case 'x':
			v, err := strconv.ParseUint(text[i+1:min(i+3, len(text))], 16, 8)
			if err != nil {
				return "", err
			}
			b.WriteByte(byte(v))
			i += 2
		case 'c':
			i++
			if i == len(text) {
				return "", errors.New(`\c at the end`)
			}
			b.WriteByte(text[i] & 0x1f)
		default:
			return "", fmt.Errorf("unknown escape \\%c", text[i])
		}
	}
	return b.String(), nil
}
