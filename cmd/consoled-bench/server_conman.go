//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// conman is ConMan, which knows no encryption.
type conman struct{}

func (conman) name() string { return "conman" }

func (c conman) configure(s *site, echoPort int) ([]string, error) {
	logs := filepath.Join(s.dir, "log")
	if err := os.Mkdir(logs, 0o700); err != nil {
		return nil, err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "server loopback=on\nserver port=%d\nserver logdir=%q\nserver pidfile=%q\nglobal log=\"%%N\"\n",
		s.port, logs, filepath.Join(s.dir, "pid"))
	for _, d := range s.fleet.devices {
		fmt.Fprintf(&b, "console name=%q dev=\"127.0.0.1:%d\"\n", consoleName(d.id), s.fleet.first+d.id)
	}
	fmt.Fprintf(&b, "console name=%q dev=\"127.0.0.1:%d\"\n", echoName, echoPort)
	file := filepath.Join(s.dir, "conman.conf")
	program, err := lookPath("conmand")
	if err != nil {
		return nil, err
	}
	return []string{program, "-F", "-c", file}, os.WriteFile(file, []byte(b.String()), 0o600)
}

func (conman) record(s *site, console string) string {
	return filepath.Join(s.dir, "log", console)
}

// foreign are its own lines, with an empty one before each.
func (conman) foreign() func([]byte) bool {
	return func(line []byte) bool {
		return bytes.HasPrefix(line, []byte("<ConMan> ")) || bytes.Equal(line, []byte("\r\n"))
	}
}

func (conman) call(s *site, console string, typing bool) call {
	argv := []string{"conman", "-d", fmt.Sprintf("127.0.0.1:%d", s.port)}
	if typing {
		argv = append(argv, "-f")
	} else {
		argv = append(argv, "-m")
	}
	return call{Argv: append(argv, console), Greeting: "opened."}
}
