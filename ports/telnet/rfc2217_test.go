package telnet

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"consoled/ports"
)

const com = "\x2c"

// says is a subnegotiation of RFC 2217 as a server sends it.
func says(text string) string { return sb + com + strings.ReplaceAll(text, "\xff", "\xff\xff") + se }

// wanted is what the tests ask for, and confirmed what a server says to it.
var wanted = Telnet{RFC2217: true, Serial: ports.Serial{Baud: 9600, Data: 8, Flow: "hardware"}}

const confirmed = "\x65\x00\x00\x25\x80"

var all = says(confirmed) + says("\x66\x08") + says("\x69\x03")

// toServer opens wanted to a server that the test plays, which begins with words.
func toServer(t *testing.T, limit time.Duration, words string) (*port, net.Conn) {
	t.Helper()
	listener := listen(t)
	backend := wanted
	backend.Address = listener.Addr().String()
	conn, err := backend.Network.Dial(t.Context(), "telnet", backend.Address)
	if err != nil {
		t.Fatal(err)
	}
	p, err := backend.newPort(conn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	peer, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { peer.Close() })
	peer.SetDeadline(time.Now().Add(20 * time.Second))
	heard(t, peer, opening+will+com)
	io.WriteString(peer, words)
	if err := p.agree(t.Context(), limit); err != nil {
		t.Fatal(err)
	}
	return p, peer
}

// heard wants the port to have sent exactly text.
func heard(t *testing.T, peer net.Conn, text string) {
	t.Helper()
	got := make([]byte, len(text))
	if n, err := io.ReadFull(peer, got); err != nil || string(got) != text {
		t.Fatalf("heard %q, %v; want %q", got[:n], err, text)
	}
}

// started is what the port sends to a server that agrees.
const started = sb + com + "\x0c\x02" + se + // what is left over for the device
	sb + com + "\x01\x00\x00\x25\x80" + se + sb + com + "\x02\x08" + se + sb + com + "\x05\x03" + se +
	sb + com + "\x05\x07" + se + sb + com + "\x05\x0a" + se + // how are our own lines?
	sb + com + "\x0a\x1e" + se + sb + com + "\x0b\xff\xff" + se

func TestRFC2217Remarks(t *testing.T) {
	const plain = "; the line is plain telnet, with the speed and the flow control that are set there"
	for _, test := range []struct{ name, words, remark string }{
		{"all as asked", do + com + all, ""},
		{"another speed", do + com + says("\x65\x00\x00\x96\x00") + says("\x66\x08") + says("\x69\x03"), "the terminal server has speed 38400 and not 9600"},
		{
			"other values", do + com + says(confirmed) + says("\x66\x07") + says("\x69\x01"),
			"the terminal server has data bits 7 and not 8, flow control none and not hardware",
		},
		{"no word on some", do + com + says(confirmed), "the terminal server did not confirm data bits, flow control"},
		{"wrong and silent", do + com + says("\x65\x00\x00\x00\x01"), "the terminal server has speed 1 and not 9600; did not confirm data bits, flow control"},
		{"refused", dont + com, "the terminal server refuses RFC 2217" + plain},
		{"taken back", do + com + dont + com, "the terminal server refuses RFC 2217" + plain},
		{"silence", "", "the terminal server does not answer to RFC 2217" + plain},
		{"answers before the option", all + do + com, "the terminal server did not confirm speed, data bits, flow control"},
		{"signature first", says("\x64"+strings.Repeat("\x1b[2J", 10)) + do + com + says("\x64") + says("") + all, ""},
		{"odd lengths", do + com + says("\x65\x00\x00") + says("\x66\x08\x09") + says("\x69") + all, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p, _ := toServer(t, 300*time.Millisecond, test.words)
			if got := p.Remark(); got != test.remark {
				t.Errorf("%q, want %q", got, test.remark)
			}
			_, modem := p.able().(ports.Modem)
			_, flow := p.able().(ports.FlowSwitch)
			if agreed := !strings.Contains(test.remark, "plain"); modem != agreed || flow != agreed {
				t.Errorf("modem %v, flow switch %v", modem, flow)
			}
		})
	}
}

// A server that answers late is commanded all the same, by whoever reads.
func TestRFC2217Late(t *testing.T) {
	p, peer := toServer(t, 10*time.Millisecond, "")
	io.WriteString(peer, do+com+all+"x")
	if n, err := p.Read(make([]byte, 9)); n != 1 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	heard(t, peer, started)
	if remark := p.Remark(); remark != "" {
		t.Error(remark)
	}
}

// What comes before the answers is kept, in order, and a farewell is read
// before the end.
func TestRFC2217KeepsEarlyData(t *testing.T) {
	p, peer := toServer(t, time.Second, "Welcome\r\n"+do+com+"lo"+all+"gin: ")
	heard(t, peer, started)
	var got []byte
	for want := "Welcome\r\nlogin: "; len(got) < len(want); {
		buf := make([]byte, 4)
		n, err := p.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, buf[:n]...)
	}
	if string(got) != "Welcome\r\nlogin: " || p.kept != nil {
		t.Errorf("%q, and %d bytes kept", got, len(p.kept))
	}
}

func TestRFC2217Farewell(t *testing.T) {
	listener := listen(t)
	go func() {
		conn, err := listener.Accept()
		if err == nil {
			io.WriteString(conn, "line busy\r\n")
			conn.(*net.TCPConn).CloseWrite()
			io.Copy(io.Discard, conn)
			conn.Close()
		}
	}()
	p, err := Telnet{Address: listener.Addr().String(), RFC2217: true}.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	said, err := io.ReadAll(p)
	if string(said) != "line busy\r\n" || ports.ReasonOf(err) != ports.Closed {
		t.Errorf("%q, %v", said, err)
	}
}

// Open ends with its context while it waits for answers.
func TestRFC2217OpenEnds(t *testing.T) {
	listener := listen(t)
	goodbye := errors.New("goodbye")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(50*time.Millisecond, func() { cancel(goodbye) })
	start := time.Now()
	_, err := Telnet{Address: listener.Addr().String(), RFC2217: true}.Open(ctx)
	if !errors.Is(err, goodbye) || time.Since(start) > agreeLimit {
		t.Errorf("%v after %v", err, time.Since(start))
	}
}

// A server that suspends gets no data until it resumes, and breaks all the while.
func TestRFC2217Suspend(t *testing.T) {
	p, peer := toServer(t, time.Second, do+com+says("\x6c")+all)
	heard(t, peer, started)
	written := make(chan error, 1)
	go func() {
		_, err := p.Write([]byte("typed"))
		written <- err
	}()
	if err := p.Break(time.Millisecond); err != nil {
		t.Error(err)
	}
	heard(t, peer, sb+com+"\x05\x05"+se+sb+com+"\x05\x06"+se) // and nothing typed before it
	io.WriteString(peer, says("\x6d")+"x")
	if _, err := p.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
	heard(t, peer, "typed")

	// Close ends the wait.
	io.WriteString(peer, says("\x6c")+"x")
	p.Read(make([]byte, 1))
	go func() {
		_, err := p.Write([]byte("typed"))
		written <- err
	}()
	p.Close()
	if err := <-written; !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}

// A server cannot hold up data by words alone for ever.
func TestRFC2217SuspendEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, line := ofTelnet(t, wanted)
		write := func() time.Duration {
			start := time.Now()
			if _, err := p.Write([]byte("typed")); err != nil {
				t.Error(err)
			}
			return time.Since(start)
		}
		line.Say(do + com + says("\x6c"))
		tryAll(t, p, 100)
		if took := write(); took != suspendLimit {
			t.Errorf("suspended: %v", took)
		}
		line.Say(says("\x6c") + says("\x6b\xf0"))
		tryAll(t, p, 100)
		if took := write(); took > 0 {
			t.Errorf("still suspended: %v", took)
		}
		line.Say(says("\x6d"))
		tryAll(t, p, 100)
		line.Say(says("\x6c"))
		tryAll(t, p, 100)
		if took := write(); took != suspendLimit {
			t.Errorf("suspended anew: %v", took)
		}
	})
}

func TestRFC2217State(t *testing.T) {
	p, peer := toServer(t, time.Second, do+com+all)
	line := p.able().(interface {
		ports.Modem
		ports.FlowSwitch
	})
	if _, err := line.Modem(); ports.ReasonOf(err) != ports.Unsupported {
		t.Errorf("lines that nobody told: %v", err)
	}
	heard(t, peer, started)
	for notice, want := range map[string]ports.Lines{
		"\x6b\xb1": {DTR: true, RTS: true, CTS: true, DSR: true, DCD: true},
		"\x6b\x4f": {DTR: true, RTS: true, RI: true},
		"\x6b\x00": {DTR: true, RTS: true},
		"\x69\x09": {RTS: true},
		"\x69\x0c": {DTR: true},
	} {
		io.WriteString(peer, says("\x69\x08")+says("\x69\x0b")+says("\x6b\x00")+says(notice)+"x")
		if _, err := p.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		if got, err := line.Modem(); got != want || err != nil {
			t.Errorf("%x: %+v, %v; want %+v", notice, got, err, want)
		}
	}

	// What the receiver meets is counted, once the server has said that it tells.
	receiver := p.able().(interface {
		ports.Receiver
		ports.Lossy
	})
	if _, err := receiver.Received(); ports.ReasonOf(err) != ports.Unsupported {
		t.Errorf("a receiver of which nobody told: %v", err)
	}
	var want ports.Receptions
	for _, notice := range []struct {
		text string
		met  ports.Receptions
	}{
		{"\x6e\x1e", ports.Receptions{}},
		{"\x6a\x61", ports.Receptions{}}, // its buffers
		{"\x6a\x02", ports.Receptions{Overruns: 1}},
		{"\x6a\x0c", ports.Receptions{Parity: 1, Framing: 1}},
		{"\x6a\x18", ports.Receptions{Framing: 1, Breaks: 1}},
		{"\x6a\x12", ports.Receptions{Overruns: 1, Breaks: 1}},
	} {
		want.Overruns += notice.met.Overruns
		want.Parity += notice.met.Parity
		want.Framing += notice.met.Framing
		want.Breaks += notice.met.Breaks
		io.WriteString(peer, says(notice.text)+"x")
		if _, err := p.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		if got, err := receiver.Received(); got != want || err != nil || receiver.Losses() != want.Overruns {
			t.Errorf("%x: %+v, %v; want %+v", notice.text, got, err, want)
		}
	}

	// A server that will not have XON/XOFF is believed.
	go func() {
		heard := make([]byte, 7)
		io.ReadFull(peer, heard)
		io.WriteString(peer, says("\x69\x03"))
	}()
	reading := make(chan struct{})
	go func() {
		defer close(reading)
		p.Read(make([]byte, 1))
	}()
	if err := line.SetSoftwareFlow(true); ports.ReasonOf(err) != ports.Unsupported || line.SoftwareFlow() {
		t.Errorf("%v; on: %v", err, line.SoftwareFlow())
	}
	p.Close()
	<-reading
}

// Megabytes of notifications, options and subnegotiations are none of the
// console's data, hold no memory, and are read slowly.
func TestRFC2217Bombs(t *testing.T) {
	for _, bomb := range []string{
		says("\x6b\xf0"), says("\x6c") + says("\x6d"), do + com + dont + com, says("\x64" + strings.Repeat("x", 5000)),
		sb + com + strings.Repeat("\x6b", 100_000),
	} {
		d := asking()
		d.opt.com = true
		d.opt.ask()
		p := &port{dec: *d, com: true, done: make(chan struct{}), word: make(chan struct{})}
		p.told = true
		p.closed = true // nothing is sent
		buf := make([]byte, 64<<10)
		source := strings.NewReader(do + com + strings.Repeat(bomb, 1+4<<20/len(bomb)) + se)
		pauses := 0
		for source.Len() > 0 {
			n, err := p.receive(buf, source.Read)
			if n > 0 || err != nil {
				t.Fatalf("%.20q: data %q, %v", bomb, buf[:n], err)
			}
			if p.brake.on(time.Now) {
				pauses++
			}
			p.answers = p.answers[:min(len(p.answers), maxAnswers)]
		}
		if pauses < 30 || cap(p.answers) > 4*maxAnswers {
			t.Errorf("%.20q: %d pauses, answers of %d", bomb, pauses, cap(p.answers))
		}
	}
}

func TestTelnetCheck(t *testing.T) {
	for _, test := range []struct {
		telnet Telnet
		want   string
	}{
		{Telnet{Address: "ts1:1"}, "telnet ts1:1"},
		{
			Telnet{Address: "[::1]:1", Network: ports.Network{TLS: ports.TLS{On: true}}, RFC2217: true, Serial: ports.Serial{Baud: 9600, Data: 7, Parity: "even", Stop: "2", Flow: "hardware"}},
			"telnet [::1]:1 tls rfc2217 9600 data 7 parity even stop 2 flow hardware",
		},
		{Telnet{Address: "ts1:1", Serial: ports.Serial{Baud: 9600}}, "telnet: settings of a serial line need rfc2217"},
		{Telnet{Address: "ts1:1", RFC2217: true, Serial: ports.Serial{HUPCL: true}}, "telnet: hupcl is for serial devices of this machine alone"},
		{Telnet{Address: "ts1:1", RFC2217: true, Serial: ports.Serial{Baud: 1}}, `telnet "ts1:1": speed 1 is not from 50 to 20000000`},
	} {
		got := test.telnet.String()
		if err := test.telnet.Check(); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}
