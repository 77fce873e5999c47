package gateway

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	gossh "golang.org/x/crypto/ssh"
)

// knockAs lets a connection offer keys and then end without a login; it returns
// how long the answers took.
func knockAs(f *fixture, from string, keys ...gossh.Signer) time.Duration {
	near, far := pipe()
	defer near.Close()
	c := f.newConnection(far)
	c.source = netip.MustParseAddr(from)
	c.origin = origin(c.source)
	l := &login{c: c}
	began := time.Now()
	for _, k := range keys {
		// What it answers is another test's.
		_, _ = l.offered(meta{"node1"}, k.PublicKey())
	}
	if len(keys) == 0 {
		l.begun = true
		l.attempted(meta{""}, "password", gossh.ErrNoAuth)
	}
	took := time.Since(began)
	c.failed(l, io.EOF)
	c.cancel(errGone)
	return took
}

// TestBruteForceIsPriced shows what repeated failures cost, and whom they do
// not cost anything.
func TestBruteForceIsPriced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys, text := loginKeys(t)
		f := prepare(t, text, nil, nil)
		const here, there = "192.0.2.1", "192.0.2.2"
		for name, tries := range map[string][]gossh.Signer{
			"a key that is not authorised": {keys[2]},
			"no key":                       nil,
		} {
			for n := range tollFree + 10 {
				want := time.Duration(0)
				if n >= tollFree {
					want = min(tollFirst<<(n-tollFree), tollMost)
				}
				// What is forgiven meanwhile does not change the most.
				if got := knockAs(f, here, tries...); got != want {
					t.Errorf("%s: attempt %d took %s, want %s", name, n, got, want)
				}
			}
			if got := knockAs(f, there, tries...); got != 0 {
				t.Errorf("%s: from elsewhere it took %s", name, got)
			}
		}
		for n := range 100 {
			if got := knockAs(f, here, keys[0]); got != 0 {
				t.Fatalf("whoever shows an authorised key has slowed its holder by %s after %d times", got, n)
			}
		}
		if got := knockAs(f, here, signer(t, "other")); got != 0 {
			t.Errorf("another key of the address waits %s", got)
		}
		if got := knockAs(f, here, keys[2]); got != tollMost {
			t.Errorf("before somebody is in: %s", got)
		}
		_, far := pipe()
		c := f.newConnection(far)
		c.origin = origin(netip.MustParseAddr(here))
		if _, err := f.door.admit(c, f.conf.Load().Limits); err != nil {
			t.Fatal(err)
		}
		if got := knockAs(f, here, keys[2]); got != tollMost {
			t.Errorf("somebody who has not logged in makes it %s", got)
		}
		if err := f.door.known(c, "k", f.conf.Load().Limits); err != nil {
			t.Fatal(err)
		}
		if got := knockAs(f, here, keys[2]); got != 0 {
			t.Errorf("an address with somebody logged in waits %s", got)
		}
		f.door.left(c)
		time.Sleep(time.Hour)
		if got := knockAs(f, here, keys[2]); got != 0 {
			t.Errorf("nothing is forgiven after an hour: %s", got)
		}
	})
}

// TestPriceOfAGoodLogin shows that whoever gets in owes nothing for the keys
// that their agent offered first.
func TestPriceOfAGoodLogin(t *testing.T) {
	keys, text := loginKeys(t)
	f := start(t, text, nil, told)
	for range tollFree + 2 {
		c, err := f.dial("node1", gossh.PublicKeys(keys[2], keys[0]))
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
	}
	p := payer{origin(netip.MustParseAddr("127.0.0.1")), gossh.FingerprintSHA256(keys[2].PublicKey())}
	if price := f.tolls.price(p, time.Now()); price != 0 {
		t.Errorf("a key that is offered before a good one costs %s", price)
	}
}

// TestWaitEndsWithTheConnection holds nobody who has gone.
func TestWaitEndsWithTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, text := loginKeys(t)
		f := prepare(t, text, nil, nil)
		_, far := pipe()
		c := f.newConnection(far)
		for range 100 {
			f.tolls.fail(payer{c.origin, "k"}, time.Now())
		}
		began := time.Now()
		time.AfterFunc(time.Second, func() { c.end(errors.New("gone")) })
		(&login{c: c}).pay("k")
		if took := time.Since(began); took != time.Second {
			t.Errorf("waited %s", took)
		}
	})
}

// TestTollsAreBounded fills the table from addresses and keys without end.
func TestTollsAreBounded(t *testing.T) {
	var table tolls
	now := time.Now()
	from := func(i int) payer {
		return payer{origin(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})), fmt.Sprint(i % 7)}
	}
	for i := range 100_000 {
		table.fail(from(i), now)
		if n := len(table.newer) + len(table.older); n > 2*tollsKept {
			t.Fatalf("%d entries after %d", n, i)
		}
	}
	// Whoever goes on is not forgotten by it.
	for i := range 100_000 {
		table.fail(payer{key: "steady"}, now)
		table.fail(from(i), now)
	}
	if got := table.price(payer{key: "steady"}, now); got != tollMost {
		t.Errorf("price %s behind a flood of others", got)
	}
}
