package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const siteRanges = `
templates:
  node: { tags: [compute], write: explicit }
consoles:
  node[00001-09000]: { use: node, telnet: "ts${(n-1)/20+1}.example.org:${7000+(n-1)%20+1}", description: "node ${n}", aliases: ["n${n}"] }
  board[0001-1000]: { serial: "usb-hub-port-${n}", tags: [boards] }
groups:
  rack1: "node[00001-00040]"
  rack2: "node[00041-00080]"
access:
  roles:
    ops: { grant: rw, consoles: ["@compute"], members: [alice] }
    lab: { grant: rw, consoles: ["@boards", "@rack1"], members: [bob] }
`

// BenchmarkLoad10000 is to stay below 300 ms, whichever way a site of 10,000
// consoles is written.
func BenchmarkLoad10000(b *testing.B) {
	var single strings.Builder
	single.WriteString("consoles:\n")
	for i := range 10_000 {
		fmt.Fprintf(&single, "  node%05d:\n    telnet: ts%d.example.org:%d\n    tags: [compute]\n    description: node %d\n", i, i/20, 7000+i%20, i)
	}
	for name, text := range map[string]string{"ranges": siteRanges, "single": single.String()} {
		b.Run(name, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "consoled.yaml")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				c, err := Load(path)
				if err != nil {
					b.Fatal(err)
				}
				if len(c.Consoles) != 10_000 {
					b.Fatal(len(c.Consoles))
				}
			}
		})
	}
}
