//go:build unix

package ports

import "context"

// OpenPty makes a serial device with an end for the test.
var OpenPty = openPty

// ModemLines tells the lines from a driver's answer.
var ModemLines = modemLines

// OpenIn opens s with folders for names and locks that are not the system's.
func (s Serial) OpenIn(ctx context.Context, names, locks string) (Port, error) {
	return s.open(ctx, names, []string{locks})
}
