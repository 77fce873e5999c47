//go:build !unix

package main

import "os"

// harmless is empty: elsewhere a failed write sends no signal.
func harmless() []os.Signal { return nil }
