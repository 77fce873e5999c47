//go:build !unix

package ports

// A tryReader is nothing here: ports are read by a blocked Read.
type tryReader struct{}

func (*tryReader) init(any) error { return nil }
