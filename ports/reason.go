package ports

// A Reason says in one of a few words why a line is down, for states, notices
// and the retry policy.
type Reason string

// The reasons a line is down for.
const (
	Refused        Reason = "connection refused"
	Unreachable    Reason = "unreachable"
	NameNotFound   Reason = "name not found"
	InUse          Reason = "in use"
	Gone           Reason = "device gone"
	Exited         Reason = "program exited"
	Closed         Reason = "closed by the other end"
	Denied         Reason = "permission denied"
	Authentication Reason = "authentication refused"
	Unsupported    Reason = "not supported here"
	Failed         Reason = "failed" // none of the above; the detail says what
)

// An Error is why a line could not be opened or has ended.
type Error struct {
	Reason Reason
	Op     string // what was tried, such as "open serial /dev/ttyUSB0"
	Err    error  // the cause; may be nil
	Fix    string // what to do about it, on a line of its own; may be empty
}
