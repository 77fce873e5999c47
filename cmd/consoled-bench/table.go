//go:build linux

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// A table has a row for each figure and a column for each server.
type table struct {
	rows, columns []string
	cells         map[[2]string]string
}

func newTable() *table { return &table{cells: map[[2]string]string{}} }

// set fills a cell; rows and columns stand in the order of their first use.
func (t *table) set(column, row, format string, args ...any) {
	if !slices.Contains(t.rows, row) {
		t.rows = append(t.rows, row)
	}
	if !slices.Contains(t.columns, column) {
		t.columns = append(t.columns, column)
	}
	t.cells[[2]string{row, column}] = fmt.Sprintf(format, args...)
}

func (t *table) lines() [][]string {
	lines := [][]string{append([]string{"figure"}, t.columns...)}
	for _, row := range t.rows {
		line := []string{row}
		for _, column := range t.columns {
			cell, ok := t.cells[[2]string{row, column}]
			if !ok {
				cell = "–"
			}
			line = append(line, cell)
		}
		lines = append(lines, line)
	}
	return lines
}

func (t *table) print(w io.Writer) {
	lines := t.lines()
	width := make([]int, len(lines[0]))
	for _, line := range lines {
		for i, cell := range line {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	for _, line := range lines {
		var b strings.Builder
		for i, cell := range line {
			b.WriteString(cell + strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell)+2))
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
}

func (t *table) markdown(w io.Writer) {
	for i, line := range t.lines() {
		fmt.Fprintf(w, "| %s |\n", strings.Join(line, " | "))
		if i == 0 {
			fmt.Fprintf(w, "|---%s|\n", strings.Repeat("|---", len(line)-1))
		}
	}
}

// millis prints a duration in milliseconds with three figures.
func millis(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	switch {
	case ms < 10:
		return fmt.Sprintf("%.2f ms", ms)
	case ms < 100:
		return fmt.Sprintf("%.1f ms", ms)
	}
	return fmt.Sprintf("%.0f ms", ms)
}

// seconds prints a duration in seconds.
func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

// perGB is CPU time for a number of bytes.
func perGB(cpu time.Duration, bytes int64) float64 {
	return cpu.Seconds() / (float64(bytes) / 1e9)
}

// rank is the value that a share of the sorted values does not exceed.
func rank(sorted []time.Duration, share float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(share*float64(len(sorted))))]
}
