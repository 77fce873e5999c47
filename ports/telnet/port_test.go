package telnet

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"consoled/ports"
	"consoled/ports/porttest"
)

const opening = do + sga + will + sga + do + binary + will + binary

// onFake is a port over a line that the test plays.
func onFake(t *testing.T) (*tryPort, *porttest.Line) { return ofTelnet(t, Telnet{Address: "fake"}) }

func ofTelnet(t *testing.T, backend Telnet) (*tryPort, *porttest.Line) {
	t.Helper()
	fake := porttest.NewFake("tcp fake", porttest.Abilities{Try: true, Patience: time.Second})
	conn, err := fake.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p, err := backend.newPort(conn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return &tryPort{p, conn.(ports.TryReader)}, fake.Last()
}

// tryAll reads until the line is silent.
func tryAll(t *testing.T, p ports.TryReader, size int) string {
	t.Helper()
	var got strings.Builder
	buf := make([]byte, size)
	for silent := 0; silent < 10; {
		n, err := p.TryRead(buf)
		if err != nil {
			t.Fatal(err)
		}
		got.Write(buf[:n])
		if silent++; n > 0 {
			silent = 0
		}
	}
	return got.String()
}

func TestTryRead(t *testing.T) {
	for _, size := range []int{1, 2, 3, 100} {
		synctest.Test(t, func(t *testing.T) {
			p, line := onFake(t)
			line.Say("a\r\x00b\xff\xffc\xffd" + will + echo + "\r\n\xff\xff\xffe")
			if err := p.Wait(); err != nil {
				t.Fatal(err)
			}
			if got, want := tryAll(t, p, size), "a\rb\xffc\xffd\r\n\xff\xffe"; got != want {
				t.Errorf("buffer of %d: %q, want %q", size, got, want)
			}
			if got, want := line.WaitHeard(t.Context(), len(opening)+3), opening+do+echo; got != want {
				t.Errorf("buffer of %d: heard %q, want %q", size, got, want)
			}
			if p.Patience() != time.Second {
				t.Error("patience is not the connection's")
			}
		})
	}
}

// A byte that found no room in a buffer of one byte is told by Wait.
func TestWaitKnowsTheCarry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, line := onFake(t)
		line.Say("\xff")
		buf := make([]byte, 1)
		if n, err := p.TryRead(buf); n != 0 || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
		line.Say("a")
		for _, want := range []byte{0xff, 'a'} {
			if err := p.Wait(); err != nil {
				t.Fatal(err)
			}
			if n, err := p.TryRead(buf); n != 1 || err != nil || buf[0] != want {
				t.Errorf("%d, %v, %q; want %q", n, err, buf, want)
			}
		}
	})
}

func TestWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, line := onFake(t)
		write := func(text string) {
			t.Helper()
			if n, err := io.WriteString(p, text); n != len(text) || err != nil {
				t.Errorf("write: %d, %v", n, err)
			}
		}
		want := opening
		expect := func(more string) {
			t.Helper()
			want += more
			synctest.Wait()
			if got := line.Heard(); got != want {
				t.Errorf("heard %q, want %q", got, want)
			}
		}
		write("ls\r\n\xff")
		expect("ls\r\x00\n\xff\xff") // the peer gave no word
		line.Say(do + binary)
		tryAll(t, p, 100)
		write("ls\r\n\xff")
		expect("ls\r\n\xff\xff")
		if err := p.Break(time.Second); err != nil {
			t.Error(err)
		}
		expect("\xff\xf3")
		line.Say(dont + binary)
		tryAll(t, p, 100)
		write("\r")
		expect(wont + binary + "\r\x00")
		write(strings.Repeat("\r", 3*maxPart))
		expect(strings.Repeat("\r\x00", 3*maxPart))
	})
}

// A CR waits for the peer's word on BINARY, but not for long.
func TestFirstCR(t *testing.T) {
	for word, travels := range map[string]string{do + binary: "a\r", dont + binary: "a\r\x00", "": "a\r\x00"} {
		synctest.Test(t, func(t *testing.T) {
			p, line := onFake(t)
			time.AfterFunc(100*time.Millisecond, func() {
				line.Say(word)
				tryAll(t, p, 100)
			})
			start := time.Now()
			io.WriteString(p, "plain")
			if took := time.Since(start); took > 0 {
				t.Errorf("plain text took %v", took)
			}
			io.WriteString(p, "a\r")
			if took := time.Since(start); took > wordLimit || word != "" && took > 100*time.Millisecond {
				t.Errorf("word %q: took %v", word, took)
			}
			if got := line.Heard(); got != opening+"plain"+travels {
				t.Errorf("word %q: heard %q", word, got)
			}
			synctest.Wait() // for the reader, before the port is closed
		})
	}
}

// What was not delivered is told in bytes of data, not of telnet.
func TestWriteFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, line := onFake(t)
		line.Stall(5)
		time.Sleep(wordLimit)
		time.AfterFunc(time.Second, func() { line.FailWrites(errors.New("cut")) })
		n, err := io.WriteString(p, "a\rb\rc")
		if n != 3 || err == nil {
			t.Errorf("write: %d, %v; want 3", n, err)
		}
	})
}

func TestWriteAllocates(t *testing.T) {
	p, _ := onFake(t)
	p.conn = quiet{p.conn}
	text := []byte("cat /var/log/messages")
	if n := testing.AllocsPerRun(100, func() { p.Write(text) }); n > 0 {
		t.Errorf("%v allocations for plain text", n)
	}
}

type quiet struct{ ports.Port }

func (quiet) Write(p []byte) (int, error) { return len(p), nil }

// A peer that takes no answers holds up neither the reader nor Close, and
// gathers no heap of them.
func TestPeerThatDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, line := onFake(t)
		line.Stall(0)
		for range 1000 {
			line.Say(strings.Repeat(do+naws, 100) + "x")
			time.Sleep(time.Second)
			if got := tryAll(t, p, 4096); got != "x" {
				t.Fatalf("read %q", got)
			}
		}
		p.mu.Lock()
		if len(p.answers) > maxAnswers+3*answerBurst {
			t.Errorf("%d bytes of answers wait", len(p.answers))
		}
		p.mu.Unlock()
		start := time.Now()
		typed := make(chan error)
		go func() {
			_, err := p.Write([]byte("typed"))
			typed <- err
		}()
		p.Close()
		if err := <-typed; !errors.Is(err, net.ErrClosed) {
			t.Errorf("write: %v", err)
		}
		if took := time.Since(start); took > 0 {
			t.Errorf("close took %v", took)
		}
	})
}

// Protocol without data is read slowly, and data without protocol never is.
func TestBrake(t *testing.T) {
	for _, bomb := range []string{strings.Repeat(do+naws, 100_000), sb + strings.Repeat("x", 300_000), strings.Repeat("\xff\xf1", 150_000)} {
		synctest.Test(t, func(t *testing.T) {
			p, line := onFake(t)
			line.Say(bomb + se + "after")
			buf := make([]byte, 4096)
			start := time.Now()
			reads := 0
			for got := 0; got < len("after"); {
				if err := p.Wait(); err != nil {
					t.Fatal(err)
				}
				n, err := p.TryRead(buf)
				if err != nil {
					t.Fatal(err)
				}
				got += n
				reads++
			}
			if took := time.Since(start); took < 3*time.Second || took > 5*time.Second {
				t.Errorf("300 KB of protocol took %v", took)
			}
			if reads > 200 {
				t.Errorf("%d reads", reads)
			}
			heard := len(line.Heard()) - len(opening)
			if heard > 11*(answerBurst+5*answerRate) {
				t.Errorf("%d bytes of answers", heard)
			}

			time.Sleep(time.Minute)
			line.Say(strings.Repeat("data\xff\xff\r\x00", 100_000))
			start = time.Now()
			if n := len(tryAll(t, p, 4096)); n != 600_000 {
				t.Errorf("%d bytes of data", n)
			}
			if took := time.Since(start); took > 0 {
				t.Errorf("data took %v", took)
			}
		})
	}
}

// Close ends a reader that the brake holds.
func TestCloseEndsTheBrake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, line := onFake(t)
		line.Say(sb + strings.Repeat("x", 1<<20))
		ended := make(chan error)
		go func() {
			_, err := p.Read(make([]byte, 1<<20))
			ended <- err
		}()
		synctest.Wait()
		start := time.Now()
		p.Close()
		if err := <-ended; !errors.Is(err, net.ErrClosed) {
			t.Errorf("read: %v", err)
		}
		p.Close()
		if took := time.Since(start); took > 0 {
			t.Errorf("close took %v", took)
		}
		if err := p.Wait(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("wait: %v", err)
		}
	})
}
