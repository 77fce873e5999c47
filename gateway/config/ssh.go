package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"consoled/ports"
	"consoled/ports/ssh"
)

var sshKeys = []string{"to", "jump", "key", "agent", "password", "known_hosts", "command", "pty", "size", "keepalive", "legacy"}

// newSSH has what holds without configuration; folder is the main file's.
func newSSH(folder string) ssh.SSH {
	return ssh.SSH{KnownHosts: filepath.Join(folder, "known_hosts"), Cols: 80, Rows: 24, Keepalive: 30 * time.Second}
}

// readSSH reads a line of ssh. Its settings stand inside it, as several have
// names that mean something else beside it.
func readSSH(r *reader, d *draft, v *value) (string, bool) {
	shown, ok := r.members("ssh", v, sshKeys, func(key string, v *value) (string, bool) { return readSSHKey(r, &d.ssh, key, v) })
	if _, set := v.get("to"); ok && !set {
		r.mistake("ssh", v, "no host to log in to; write to: USER@HOST")
		return "", false
	}
	if key, set := v.get("key"); ok && set {
		r.checkKey(key.value, d.ssh)
	}
	return shown, ok
}

func readSSHKey(r *reader, s *ssh.SSH, key string, v *value) (shown string, ok bool) {
	switch key {
	case "to":
		s.To, ok = r.filled(key, v)
		shown = show(s.To)
	case "jump":
		s.Jump, ok = r.list(key, v)
		shown = showList(s.Jump)
	case "key":
		s.Key, ok = r.path(key, v)
		shown = show(s.Key)
	case "agent":
		return readAgent(r, s, v)
	case "password":
		s.Password, shown, ok = r.secret(key, v)
	case "known_hosts":
		s.KnownHosts, ok = r.path(key, v)
		shown = show(s.KnownHosts)
	case "command":
		s.Command, ok = r.filled(key, v)
		shown = show(s.Command)
	case "pty":
		var pty bool
		pty, ok = r.boolean(key, v)
		s.NoPty, shown = !pty, strconv.FormatBool(pty)
	case "size":
		s.Cols, s.Rows, shown, ok = r.terminal(key, v)
	case "keepalive":
		s.Keepalive, ok = r.duration(key, v, 0, time.Hour)
		shown = showDuration(s.Keepalive)
	case "legacy":
		s.Legacy, ok = r.boolean(key, v)
		shown = strconv.FormatBool(s.Legacy)
	}
	return shown, ok
}

// checkKey warns of a key file that will not do. It may yet come, or lie on
// another machine than the one where the check is made.
func (r *reader) checkKey(v *value, s ssh.SSH) {
	of := fmt.Sprintf("%s\x00%s\x00%t", s.Key, s.Agent, s.Legacy)
	err, ok := r.secrets.keys[of]
	if !ok {
		err = s.CheckKey()
		r.secrets.keys[of] = err
	}
	if e, ok := errors.AsType[*ports.Error](err); ok {
		text := e.Err.Error()
		if e.Fix != "" {
			text += "; " + e.Fix
		}
		r.warn(v.place, "%s", text)
	}
}

// readAgent takes true for the agent of the gateway's environment, or a socket.
func readAgent(r *reader, s *ssh.SSH, v *value) (string, bool) {
	text, ok := r.filled("agent", v)
	switch {
	case !ok:
	case text == "true":
		s.Agent = ssh.OwnAgent
	case text == "false":
		s.Agent = ""
	case slices.Contains([]string{"yes", "no", "on", "off"}, text):
		_, ok = r.boolean("agent", v)
	default:
		s.Agent, ok = r.path("agent", v)
		text = s.Agent
	}
	return show(text), ok
}
