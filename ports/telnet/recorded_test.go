package telnet

import (
	"io"
	"net"
	"testing"

	"consoled/ports"
)

// What real servers open with, as recorded from them.
const (
	// GNU inetutils 2.4 telnetd: AUTHENTICATION, ENCRYPT, TTYPE, TSPEED,
	// XDISPLOC, NEW-ENVIRON and ENVIRON.
	inetutilsOpening = "\xff\xfb%\xff\xfb&\xff\xfd\x18\xff\xfd \xff\xfd#\xff\xfd'\xff\xfd$"
	// ser2net 4.3.11.
	ser2netOpening = "\xff\xfb\x03\xff\xfd\x03\xff\xfb\x01\xff\xfe\x01\xff\xfd\x00\xff\xfb\x00"
	// QEMU 7.2, -serial telnet:...,server.
	qemuOpening = "\xff\xfb\x01\xff\xfb\x03\xff\xfb\x00\xff\xfd\x00"
)

func TestRecordedOpenings(t *testing.T) {
	for _, test := range []struct{ name, says, answers, data string }{
		{
			"inetutils", inetutilsOpening + sb + ttype + "\x01" + se + "\r\x00\r\nnode1 login: ",
			dont + "%" + dont + "&" + will + ttype + wont + " " + wont + "#" + wont + "'" + wont + "$" + sb + ttype + "\x00vt220" + se,
			"\r\r\nnode1 login: ",
		},
		{"ser2net", ser2netOpening + "\r\x00", do + echo, "\r\x00"},
		{"QEMU", qemuOpening + "SeaBIOS\xff \r\x00", do + echo, "SeaBIOS\xff \r\x00"},
	} {
		t.Run(test.name, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			p, err := Telnet{Address: listener.Addr().String()}.Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			peer, err := listener.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer peer.Close()
			if _, err := io.WriteString(peer, test.says); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, len(test.data))
			if _, err := io.ReadFull(p, got); err != nil || string(got) != test.data {
				t.Errorf("data %q, %v; want %q", got, err, test.data)
			}
			answers := make([]byte, len(opening+test.answers))
			if _, err := io.ReadFull(peer, answers); err != nil || string(answers) != opening+test.answers {
				t.Errorf("sent %q, %v; want %q", answers, err, opening+test.answers)
			}
			peer.Close()
			if n, err := p.Read(got); n != 0 || ports.ReasonOf(err) != ports.Closed {
				t.Errorf("end: %d, %v", n, err)
			}
		})
	}
}

func TestOpenRefused(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	_, err = Telnet{Address: address}.Open(t.Context())
	if want := "open telnet " + address + ": connection refused"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if err := (Telnet{Address: "ts1"}).Check(); err == nil {
		t.Error("an address without a port was accepted")
	}
}
