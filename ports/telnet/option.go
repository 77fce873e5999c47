package telnet

// A side is one direction of one option as RFC 1143 has it. Nothing here ever
// withdraws an option by itself, so the method's WANTNO states and its queue
// bits cannot come about and are left out.
//
//	       peer offers            peer agrees
//	no ─────────────────► yes ◄───────────────── asked
//	 ▲                     │                       │
//	 └──── peer refuses ───┴──── peer refuses ─────┘
//
// An answer is sent only for a change that the peer began. What it says about
// an option in the asked state is itself an answer and is never answered, so two
// ends that both follow the rule cannot loop.
type side uint8

const (
	no side = iota
	asked
	yes
)

// options is the state of every option that can be on. The refused ones need
// no state: they are always off, for both ends.
type options struct {
	usBinary, himBinary side
	usSGA, himSGA       side
	himEcho             side
	usTType             side
	usComPort           side
	com                 bool // COM-PORT-OPTION is wanted; without it it is refused
}

// us is our own side of an option (WILL and WONT are ours, DO and DONT the
// peer's), or nil for one that we do not perform.
func (o *options) us(opt byte) *side {
	switch opt {
	case optBinary:
		return &o.usBinary
	case optSGA:
		return &o.usSGA
	case optTType:
		return &o.usTType
	case optComPort:
		if o.com {
			return &o.usComPort
		}
	}
	return nil
}

// him is the peer's side of an option, or nil for one that it may not perform.
func (o *options) him(opt byte) *side {
	switch opt {
	case optBinary:
		return &o.himBinary
	case optSGA:
		return &o.himSGA
	case optEcho:
		return &o.himEcho
	}
	return nil
}

// ask puts what we ask for into its asked state and returns the bytes that ask:
// binary both ways, so that the console is 8-bit clean, and no go-aheads, which
// also keeps old servers from line mode. ECHO is the peer's to offer. By
// WILL COM-PORT-OPTION we offer to be the client of a serial port.
func (o *options) ask() []byte {
	o.himBinary, o.usBinary, o.himSGA, o.usSGA = asked, asked, asked, asked
	opening := []byte{
		cmdIAC, cmdDO, optSGA, cmdIAC, cmdWILL, optSGA,
		cmdIAC, cmdDO, optBinary, cmdIAC, cmdWILL, optBinary,
	}
	if o.com {
		o.usComPort = asked
		opening = append(opening, cmdIAC, cmdWILL, optComPort)
	}
	return opening
}

// offered handles a WILL or a DO on side s, which is nil for an option that is
// always refused. mayAnswer says whether an answer can be sent now; without it
// the offer is left as if it had not come. It reports whether to answer, and
// whether the answer agrees.
func offered(s *side, mayAnswer bool) (answer, agree bool) {
	switch {
	case s == nil:
		return mayAnswer, false
	case *s == asked:
		*s = yes
		return false, true
	case *s == no && mayAnswer:
		*s = yes
		return true, true
	}
	return false, true
}

// withdrawn handles a WONT or a DONT on side s. It is always obeyed; it is
// answered where the option was on.
func withdrawn(s *side, mayAnswer bool) (answer bool) {
	if s == nil {
		return false
	}
	was := *s
	*s = no
	return was == yes && mayAnswer
}
