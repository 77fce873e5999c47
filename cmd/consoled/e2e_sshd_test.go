//go:build e2e && linux

package main_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdSSHD runs a bastion: the system's sshd on a port of its own, with its own
// host key, for whoever runs the tests and holds the key.
func cmdSSHD(ts *testscript.TestScript, neg bool, args []string) {
	refuseNeg(ts, neg)
	usage(ts, len(args) == 1, "sshd KEY")
	r := rigOf(ts)
	port, me := r.startSSHD(ts, "bastion", args[0], "")
	r.bastion = fmt.Sprintf(`Host bastion
	HostName 127.0.0.1
	Port %s
	User %s
	HostKeyAlias bastion
	IdentityFile %s
`, port, me, ts.MkAbs(filepath.Join("keys", args[0])))
	ts.Check(r.writeSSHConfig())
}

// cmdTermserver runs an sshd as a terminal server does: whoever logs in with
// the key is attached to a program, and to nothing else. NAME is then how it is logged in to,
// USER@127.0.0.1:PORT, NAME_PORT its port, and a line of the file "hosts" what
// it is known by.
func cmdTermserver(ts *testscript.TestScript, neg bool, args []string) {
	refuseNeg(ts, neg)
	usage(ts, len(args) == 2 || len(args) == 3, "termserver NAME KEY [PROGRAM]")
	r, name, extra := rigOf(ts), args[0], ""
	if len(args) == 3 {
		extra = "ForceCommand " + args[2]
	}
	port, me := r.startSSHD(ts, strings.ToLower(name), args[1], extra)
	ts.Setenv(name, me+"@127.0.0.1:"+port)
	ts.Setenv(name+"_PORT", port)
	r.knowHost(ts, port, filepath.Join(strings.ToLower(name), "host_key.pub"))
}

// cmdKnow adds a host to the file "hosts" by its port and the public half of its key.
func cmdKnow(ts *testscript.TestScript, neg bool, args []string) {
	refuseNeg(ts, neg)
	usage(ts, len(args) == 2, "know PORT PUBLICKEY")
	rigOf(ts).knowHost(ts, args[0], args[1])
}

func (r *rig) knowHost(ts *testscript.TestScript, port, key string) {
	f, err := os.OpenFile(ts.MkAbs("hosts"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	ts.Check(err)
	_, err = fmt.Fprintf(f, "[127.0.0.1]:%s %s", port, ts.ReadFile(key))
	ts.Check(errors.Join(err, f.Close()))
}

// startSSHD runs an sshd whose files lie in a folder of that name. It returns
// when it accepts connections.
func (r *rig) startSSHD(ts *testscript.TestScript, folder, key, extra string) (port, me string) {
	path, err := program("sshd")
	ts.Check(err)
	account, err := user.Current()
	ts.Check(err)
	if account.Uid == "0" {
		// sshd wants this folder to lock itself into, and only its service makes it.
		ts.Check(os.MkdirAll("/run/sshd", 0o755))
	}
	port, err = freePort()
	ts.Check(err)
	dir := ts.MkAbs(folder)
	ts.Check(os.MkdirAll(dir, 0o700))
	ts.Check(ts.Exec("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(dir, "host_key")))
	public := ts.ReadFile(filepath.Join("keys", key+".pub"))
	ts.Check(os.WriteFile(filepath.Join(dir, "authorized_keys"), []byte(public), 0o600))
	config := filepath.Join(dir, "sshd_config")
	ts.Check(os.WriteFile(config, fmt.Appendf(nil, `ListenAddress 127.0.0.1:%s
HostKey %[2]s/host_key
AuthorizedKeysFile %[2]s/authorized_keys
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
%[3]s
`, port, dir, extra), 0o600))
	p, err := r.start(exec.Command(path, "-D", "-e", "-f", config))
	ts.Check(err)
	ts.Check(r.poll(p, func() bool { return accepts("127.0.0.1:" + port) }))
	return port, account.Username
}
