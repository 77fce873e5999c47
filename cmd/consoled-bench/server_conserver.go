//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// conserver is Conserver, in clear: Debian's build has TLS, and would have to be
// given a certificate for it.
type conserver struct{}

func (conserver) name() string { return "conserver" }

func (c conserver) configure(s *site, echoPort int) ([]string, error) {
	logs := filepath.Join(s.dir, "log")
	if err := os.Mkdir(logs, 0o700); err != nil {
		return nil, err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "config * { sslrequired no; }\ndefault * { master localhost; type host; rw *; logfile %s/&; }\n", logs)
	for _, d := range s.fleet.devices {
		fmt.Fprintf(&b, "console %s { host 127.0.0.1; port %d; }\n", consoleName(d.id), s.fleet.first+d.id)
	}
	fmt.Fprintf(&b, "console %s { host 127.0.0.1; port %d; }\n", echoName, echoPort)
	b.WriteString("access * { trusted 127.0.0.1; allowed 127.0.0.1; }\n")
	file := filepath.Join(s.dir, "conserver.cf")
	program, err := lookPath("conserver")
	if err != nil {
		return nil, err
	}
	return []string{program, "-E", "-C", file, "-p", fmt.Sprint(s.port), "-M", "127.0.0.1", "-P", os.DevNull},
		os.WriteFile(file, []byte(b.String()), 0o600)
}

func (conserver) record(s *site, console string) string {
	return filepath.Join(s.dir, "log", console)
}

func (conserver) foreign() func([]byte) bool {
	return func(line []byte) bool { return bytes.HasPrefix(line, []byte("[-- ")) }
}

func (conserver) call(s *site, console string, typing bool) call {
	mode := "-s"
	if typing {
		mode = "-f"
	}
	return call{
		Argv:     []string{"console", "-E", "-n", "-M", "127.0.0.1", "-p", fmt.Sprint(s.port), "-l", "bench", mode, console},
		Greeting: "for help]",
	}
}
