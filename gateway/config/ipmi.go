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
	ok := v.kind == isMap
	var shown []string
	for _, p := range r.table("ipmi", v, ipmiKeys, nil) {
		text, good := readIPMIKey(r, d, p)
		shown = append(shown, p.key.text+": "+text)
		ok = ok && good
	}
	return showMap(shown), ok
}

func readIPMIKey(r *reader, d *draft, p pair) (shown string, ok bool) {
	b := &d.ipmi
	switch p.key.text {
	case "host":
		b.Address, ok = r.filled("host", p.value)
		return show(b.Address), ok
	case "user":
		b.User, ok = r.filled("user", p.value)
		return show(b.User), ok
	case "password":
		b.Password, shown, ok = r.secret("password", p.value)
	case "kg":
		b.KG, shown, ok = r.secret("kg", p.value)
	case "cipher":
		shown, ok = r.choice("cipher", p.value, "17", "3")
		b.Cipher, _ = strconv.Atoi(shown)
	case "privilege":
		shown, ok = r.choice("privilege", p.value, "user", "operator", "administrator")
		b.Privilege = shown
	case "take_over":
		shown, ok = r.choice("take_over", p.value, "always", "ask", "never")
		b.TakeOver = shown
	case "keepalive":
		b.Keepalive, ok = r.duration("keepalive", p.value, time.Second, 50*time.Second)
		return showDuration(b.Keepalive), ok
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
