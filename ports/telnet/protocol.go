package telnet

// The commands of RFC 854 that this package sends or acts on. Everything from
// cmdSE up is a command.
const (
	cmdSE   = 240
	cmdNOP  = 241
	cmdBRK  = 243
	cmdAYT  = 246
	cmdSB   = 250
	cmdWILL = 251
	cmdWONT = 252
	cmdDO   = 253
	cmdDONT = 254
	cmdIAC  = 255
)

// The options that this package takes part in; all others are refused.
const (
	optBinary  = 0  // RFC 856
	optEcho    = 1  // RFC 857
	optSGA     = 3  // RFC 858
	optTType   = 24 // RFC 1091
	optComPort = 44 // RFC 2217
)

// RFC 1091: what a TERMINAL-TYPE subnegotiation begins with.
const (
	ttypeIs   = 0
	ttypeSend = 1
)

// terminalType is what consoles are drawn for; every server knows it.
const terminalType = "vt220"
