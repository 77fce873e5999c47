//go:build e2e && linux

package main_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"
)

// bmcConfig is ipmi_sim's: one user, the power of a guest, and its serial line
// that QEMU serves by telnet, over which ipmi_sim passes on a break.
const bmcConfig = `name "consoled"
set_working_mc 0x20
  startlan 1
    addr 127.0.0.1 %s
    priv_limit admin
    allowed_auths_operator none md5
    allowed_auths_admin none md5
    guid a123456789abcdefa123456789abcdef
  endlan
  chassis_control "%s"
  sol "telnet:127.0.0.1:%s" 115200
  user 2 true "console" "%s" admin 10 none md5
`

const bmcCommands = `mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
sel_enable 0x20 1000 0x0a
mc_enable 0x20
`

// bmcChassis switches a guest by its monitor, the first argument; ipmi_sim adds
// "get power" or "set WHAT VALUE". Off is a machine that stands still before its boot,
// since a QEMU that ended would take its monitor along.
const bmcChassis = `#!/bin/sh
monitor() { socket=$1; shift; printf '%s\n' "$@" | socat -t 60 - UNIX-CONNECT:"$socket"; }
case "$2 $3 $4" in
"get power ") echo "power:$(monitor "$1" "info status" | grep -c 'VM status: running')" ;;
"set power 1") monitor "$1" cont ;;
"set power 0") monitor "$1" stop system_reset ;;
"set reset 1") monitor "$1" system_reset ;;
*) exit 1 ;;
esac
`

func cmdBMC(ts *testscript.TestScript, neg bool, args []string) {
	refuseNeg(ts, neg)
	usage(ts, len(args) == 4, "bmc VAR PASSWORD GUEST GUESTPORT")
	r := rigOf(ts)
	port, err := freePort()
	ts.Check(err)
	dir := filepath.Join(r.dir, "bmc")
	ts.Check(os.MkdirAll(dir, 0o700))
	chassis := filepath.Join(dir, "chassis")
	ts.Check(os.WriteFile(chassis, []byte(bmcChassis), 0o700))
	ts.Check(os.WriteFile(filepath.Join(dir, "lan.conf"),
		fmt.Appendf(nil, bmcConfig, port, chassis+" "+ts.MkAbs(args[2]+".monitor"), args[3], args[1]), 0o600))
	ts.Check(os.WriteFile(filepath.Join(dir, "commands"), []byte(bmcCommands), 0o600))
	path, err := program("ipmi_sim")
	ts.Check(err)
	cmd := exec.Command(path, "-c", "lan.conf", "-f", "commands", "-s", dir, "-n")
	cmd.Dir = dir
	_, err = r.start(cmd)
	ts.Check(err)
	ts.Setenv(args[0], port)
}
