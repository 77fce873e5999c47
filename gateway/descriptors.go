package gateway

import "fmt"

// Descriptors that one thing needs: a console its line, its log and its index;
// the rest the listeners, the lock, the event files and readers of old records.
const (
	perConsole = 3
	reserve    = 64
)

// checkDescriptors compares what the configuration can need with what the
// process may open. Too few for the consoles alone is an error: some would
// never come up. Too few for the connections besides is a warning.
func checkDescriptors(consoles, connections int) (warnings []string, _ error) {
	allowed, ok := descriptorsAllowed()
	if !ok {
		return nil, nil
	}
	return weighDescriptors(consoles, connections, allowed)
}

func weighDescriptors(consoles, connections int, allowed uint64) (warnings []string, _ error) {
	least := uint64(consoles)*perConsole + reserve
	most := least + uint64(connections)
	const fix = "raise LimitNOFILE in the unit, or ulimit -n, to %d"
	switch {
	case least > allowed:
		return nil, fmt.Errorf("%d consoles need %d open files, and %d are allowed\nfix: "+fix, consoles, least, allowed, most)
	case most > allowed:
		return []string{fmt.Sprintf("%d consoles and %d connections can need %d open files, and %d are allowed; "+fix,
			consoles, connections, most, allowed, most)}, nil
	}
	return nil, nil
}
