//go:build e2e && linux

package main_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"
)

// bmcConfig is ipmi_sim's: one user, and the serial line of a guest that QEMU
// serves by telnet, over which ipmi_sim passes on a break.
const bmcConfig = `name "consoled"
set_working_mc 0x20
  startlan 1
    addr 127.0.0.1 %s
    priv_limit admin
    allowed_auths_operator none md5
    allowed_auths_admin none md5
    guid a123456789abcdefa123456789abcdef
  endlan
  sol "telnet:127.0.0.1:%s" 115200
  user 2 true "console" "%s" admin 10 none md5
`

const bmcCommands = `mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
sel_enable 0x20 1000 0x0a
mc_enable 0x20
`

func cmdBMC(ts *testscript.TestScript, neg bool, args []string) {
	refuseNeg(ts, neg)
	usage(ts, len(args) == 3, "bmc VAR PASSWORD GUESTPORT")
	r := rigOf(ts)
	probe, err := net.ListenPacket("udp", "127.0.0.1:0")
	ts.Check(err)
	_, port, err := net.SplitHostPort(probe.LocalAddr().String())
	ts.Check(err)
	ts.Check(probe.Close())
	dir := filepath.Join(r.dir, "bmc")
	ts.Check(os.MkdirAll(dir, 0o700))
	ts.Check(os.WriteFile(filepath.Join(dir, "lan.conf"), fmt.Appendf(nil, bmcConfig, port, args[2], args[1]), 0o600))
	ts.Check(os.WriteFile(filepath.Join(dir, "commands"), []byte(bmcCommands), 0o600))
	path, err := program("ipmi_sim")
	ts.Check(err)
	cmd := exec.Command(path, "-c", "lan.conf", "-f", "commands", "-s", dir, "-n")
	cmd.Dir = dir
	_, err = r.start(cmd)
	ts.Check(err)
	ts.Setenv(args[0], port)
}
