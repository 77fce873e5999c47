package gateway

import "fmt"

// Descriptors that one thing needs: a console its line, its log and its index;
// the rest the listeners, the lock, the event files and readers of old records.
const (
	perConsole = 3
	reserve    = 64
)

// fitDescriptors compares what a site can need with what the process may open.
// Too few for the consoles alone is an error: some would never come up. Too few
// for the connections besides lowers their number, so that the door chooses who
// stays, and not whoever comes first.
func (s *site) fitDescriptors() error {
	allowed, ok := descriptorsAllowed()
	if !ok {
		return nil
	}
	room, warnings, err := weighDescriptors(len(s.config.Consoles), s.config.Limits.Connections, allowed)
	if err != nil {
		return err
	}
	s.warnings = append(s.warnings, warnings...)
	c := *s.config
	c.Limits.Connections = room
	s.config = &c
	return nil
}

// weighDescriptors says for how many connections there is room.
func weighDescriptors(consoles, connections int, allowed uint64) (room int, warnings []string, _ error) {
	least := uint64(consoles)*perConsole + reserve
	most := least + uint64(connections)
	const fix = "raise LimitNOFILE in the unit, or ulimit -n, to %d"
	switch {
	case least >= allowed:
		return 0, nil, fmt.Errorf("%d consoles need %d open files, and %d are allowed\nfix: "+fix, consoles, least, allowed, most)
	case most > allowed:
		room = int(allowed - least)
		return room, []string{fmt.Sprintf("%d consoles and %d connections can need %d open files, and %d are allowed: %d connections are let in; "+fix,
			consoles, connections, most, allowed, room, most)}, nil
	}
	return connections, nil, nil
}
