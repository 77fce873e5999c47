// Package screen knows terminals: it makes text from targets safe to print,
// finds the places between escape sequences where a notice may stand, and
// filters queries and answers. It is pure: bytes in, bytes out.
package screen

// Printable returns hostile text for our own output (listings, notices, titles,
// logs): printable ASCII as it is, every other byte escaped as \xHH, at most
// limit bytes (then it ends in "...").
func Printable(text string, limit int) string { panic("contract") }

// A Text strips every escape sequence and control but LF and TAB from a
// stream; CR LF becomes LF, overprinting by CR and backspace leaves the last
// state of the line. UTF-8 is kept, broken UTF-8 replaced. The zero value is
// ready. It holds at most one line of 64 KiB.
type Text struct{}

// Append filters src and appends complete output to dst.
func (t *Text) Append(dst, src []byte) []byte { panic("contract") }

// Flush appends what is held of an unfinished line.
func (t *Text) Flush(dst []byte) []byte { panic("contract") }

// A Replay lets through text, CR, LF, TAB, BS and colour (SGR) and nothing
// else, so that old bytes can neither ask the terminal anything, nor move its cursor out of
// the flow, nor set its title or clipboard. The zero value is ready.
type Replay struct{}

// Append filters src and appends to dst.
func (r *Replay) Append(dst, src []byte) []byte { panic("contract") }

// Close appends what ends the replay cleanly: SGR reset if colour was left on.
func (r *Replay) Close(dst []byte) []byte { panic("contract") }

// A Queries filter passes a live stream byte for byte but for the terminal
// queries in it (DSR, DA, DECRQM, CSI 18 t and its like, OSC 4/10/11/12 ?, DECRQSS, ENQ,
// XTVERSION, XTGETTCAP): for watchers, whose terminals must not answer.
// An incomplete sequence is held until it is complete or longer than 4 KiB.
type Queries struct{}

// Append filters src and appends to dst.
func (q *Queries) Append(dst, src []byte) []byte { panic("contract") }

// Held reports how many bytes wait for the end of their sequence.
func (q *Queries) Held() int { panic("contract") }

// Flush appends what is held: for when the rest does not come.
func (q *Queries) Flush(dst []byte) []byte { panic("contract") }

// Answers parts what a person's terminal sends into keystrokes and the
// terminal's own answers (CSI..R, CSI..c, CSI 8;..t, OSC and DCS replies, focus in/out,
// mouse is a keystroke), which never take the lock. The zero value is ready.
type Answers struct{}

// Split appends keystrokes to keys and answers to answers. A lone ESC at the
// end of src is a keystroke at once; only a sequence that could still become
// an answer is held, see Held and Flush.
func (a *Answers) Split(keys, answers, src []byte) (k, ans []byte) { panic("contract") }

// Held reports how many bytes wait for the end of what may be an answer.
func (a *Answers) Held() int { panic("contract") }

// Flush appends what is held to keys: for when the rest does not come.
func (a *Answers) Flush(keys []byte) []byte { panic("contract") }

// A Tracker follows a live stream and knows, at any byte, whether a notice may
// be put there and what to print after it. The zero value is ready.
type Tracker struct{}

// Feed follows p.
func (t *Tracker) Feed(p []byte) { panic("contract") }

// Between reports that the stream is not inside an escape sequence or a UTF-8 character.
func (t *Tracker) Between() bool { panic("contract") }

// SafeCut returns the length of the longest prefix of p after which the stream
// would be between sequences, or 0; it does not feed p.
func (t *Tracker) SafeCut(p []byte) int { panic("contract") }

// AtLineStart reports that nothing was printed since the last CR or LF.
func (t *Tracker) AtLineStart() bool { panic("contract") }

// Line is the unfinished line: printable bytes and SGR since the last LF, at
// most 200; what a notice prints again below itself.
func (t *Tracker) Line() []byte { panic("contract") }

// Titles counts the titles (OSC 0, 1, 2) that the target has set.
func (t *Tracker) Titles() int { panic("contract") }

// Reset is what undoes the modes that the target switched on and left on:
// SGR, scroll region, hidden cursor, alternate screen, mouse, bracketed paste,
// application keys; empty if it left none.
func (t *Tracker) Reset() []byte { panic("contract") }
