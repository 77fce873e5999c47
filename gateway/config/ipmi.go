package config

import (
	"context"
	"strconv"
	"time"

	"consoled/ports/ipmi"
)

// ipmiKeys are those of the map form.
var ipmiKeys = []string{"host", "user", "password", "kg", "cipher", "privilege", "take_over", "keepalive"}

// readIPMI takes a map. The host alone is understood too, and then the backend
// says what it lacks.
func readIPMI(r *reader, d *draft, v *value) (string, bool) {
	if v.kind == isText {
		text, ok := r.filled("ipmi", v)
		d.ipmi.Address = text
		return show(text), ok
	}
	return r.members("ipmi", v, ipmiKeys, func(key string, v *value) (string, bool) { return readIPMIKey(r, &d.ipmi, key, v) })
}

func readIPMIKey(r *reader, b *ipmi.IPMI, key string, v *value) (shown string, ok bool) {
	switch key {
	case "host":
		b.Address, ok = r.filled(key, v)
		shown = show(b.Address)
	case "user":
		b.User, ok = r.filled(key, v)
		shown = show(b.User)
	case "password":
		b.Password, shown, ok = r.secret(key, v)
	case "kg":
		b.KG, shown, ok = r.secret(key, v)
	case "cipher":
		shown, ok = r.choice(key, v, "17", "3")
		b.Cipher, _ = strconv.Atoi(shown)
	case "privilege":
		shown, ok = r.choice(key, v, "user", "operator", "administrator")
		b.Privilege = shown
	case "take_over":
		shown, ok = r.choice(key, v, "always", "ask", "never")
		b.TakeOver = shown
	case "keepalive":
		b.Keepalive, ok = r.duration(key, v, time.Second, 50*time.Second)
		shown = showDuration(b.Keepalive)
	}
	return shown, ok
}

// A chassis is a BMC as actions command it.
type chassis struct{ *ipmi.IPMI }

// Chassis has the BMC carry out a command, and says the state where that was
// asked for.
func (c chassis) Chassis(ctx context.Context, command string) (string, error) {
	state, err := c.IPMI.Chassis(ctx, ipmi.Command(command))
	if err != nil || ipmi.Command(command) != ipmi.PowerStatus {
		return "", err
	}
	return state.String() + "\n", nil
}
