//go:build !unix

package record

// noFollow is nothing elsewhere, where links need a privilege.
const noFollow = 0
