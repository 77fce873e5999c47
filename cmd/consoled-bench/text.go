//go:build linux

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
)

// What a device says is lines that can be checked: the console's name, a number
// that counts from 0, and a text whose length differs from line to line.
//
//	c0042 0000000017 usb 1-1: new high-speed
const (
	numberAt  = len("c0042 ")
	numberLen = 10
	shortest  = 12
)

var filler = []byte("usb 1-1: new high-speed USB device number 7 using xhci_hcd; eth0: link becomes ready")

func consoleName(id int) string { return fmt.Sprintf("c%04d", id+1) }

// appendLine appends line n of a console, about 70 bytes.
func appendLine(b []byte, id int, n uint64) []byte {
	b = appendNumber(append(b, 'c'), uint64(id+1), numberAt-2)
	b = appendNumber(append(b, ' '), n, numberLen)
	b = append(b, ' ')
	size := shortest + (int(n%1024)*7+id*13)%(len(filler)-shortest)
	b = append(b, filler[:size]...)
	return append(b, '\r', '\n')
}

// appendNumber appends a number with leading zeros.
func appendNumber(b []byte, n uint64, width int) []byte {
	for range width {
		b = append(b, '0')
	}
	for i := len(b) - 1; n > 0 && width > 0; i-- {
		b[i] = byte('0' + n%10)
		n, width = n/10, width-1
	}
	return b
}

// A verdict is what became of the lines of a console, or of several.
type verdict struct {
	lines, lost, doubled, reordered, damaged, missing int64
	first                                             string // the first thing wrong
}

func (v *verdict) add(w verdict) {
	v.lines += w.lines
	v.lost += w.lost
	v.doubled += w.doubled
	v.reordered += w.reordered
	v.damaged += w.damaged
	v.missing += w.missing
	if v.first == "" {
		v.first = w.first
	}
}

func (v *verdict) err() error {
	if v.lost+v.doubled+v.reordered+v.damaged+v.missing == 0 {
		return nil
	}
	return fmt.Errorf("record is wrong: %s; first: %s", v, v.first)
}

// String is "complete, 123 lines" or what is wrong.
func (v *verdict) String() string {
	if v.lost+v.doubled+v.reordered+v.damaged+v.missing == 0 {
		return fmt.Sprintf("complete (%d lines)", v.lines)
	}
	return fmt.Sprintf("%d lines lost, %d doubled, %d out of order, %d damaged, %d bytes missing or too many",
		v.lost, v.doubled, v.reordered, v.damaged, v.missing)
}

// checkRecord compares a console's record, byte for byte, with what its device
// said: lines 0 to want. Lines that the server itself added are passed over
// where foreign knows them.
func checkRecord(file string, id int, want uint64, foreign func([]byte) bool) (v verdict, _ error) {
	f, err := os.Open(file)
	if err != nil {
		return v, err
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 256<<10)
	var expected []byte
	next := uint64(0)
	wrong := func(format string, args ...any) {
		if v.first == "" {
			v.first = fmt.Sprintf("%s: ", consoleName(id)) + fmt.Sprintf(format, args...)
		}
	}
	for {
		line, err := r.ReadSlice('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			break
		}
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
			return v, err
		}
		expected = appendLine(expected[:0], id, next)
		if bytes.Equal(line, expected) {
			v.lines++
			next++
			continue
		}
		if foreign != nil && foreign(line) {
			continue
		}
		n, ok := numberOf(line, id)
		switch {
		case !ok:
			v.damaged++
			wrong("%.100q in place of line %d", line, next)
		case n > next:
			v.lost += int64(n - next)
			v.lines++
			wrong("line %d follows line %d", n, int64(next)-1)
			next = n + 1
		case n+1 == next:
			v.doubled++
			wrong("line %d stands twice", n)
		default:
			v.reordered++
			wrong("line %d follows line %d", n, int64(next)-1)
		}
	}
	if next < want {
		v.lost += int64(want - next)
		wrong("ends before line %d of %d", next, want)
	}
	return v, nil
}

// numberOf is the number of a whole line of a console.
func numberOf(line []byte, id int) (uint64, bool) {
	if len(line) < numberAt+numberLen {
		return 0, false
	}
	n, err := strconv.ParseUint(string(line[numberAt:numberAt+numberLen]), 10, 64)
	if err != nil {
		return 0, false
	}
	return n, bytes.Equal(line, appendLine(nil, id, n))
}
