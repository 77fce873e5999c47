"""An RFC 2217 server for tests: pyserial's PortManager before a TCP connection.

    rfc2217_server.py HOST:PORT [--brk]

Serves one caller after the other on a port of 127.0.0.1 that it prints. The
"device" is a TCP connection to HOST:PORT. What the caller sets is printed, a
line each. With --brk the device is a telnet server such as QEMU's: a break goes
to it as telnet's BRK, and its options are passed over.
"""

import re
import select
import socket
import sys

import serial.rfc2217

BRK = b"\xff\xf3"
OPTION = re.compile(rb"\xff[\xfb-\xfe].", re.DOTALL)


def say(*words):
    print(*words, flush=True)


class Device:
    """What PortManager takes for a serial port."""

    def __init__(self, sock, brk):
        self.__dict__.update(
            sock=sock, brk=brk, baudrate=115200, bytesize=8, parity="N", stopbits=1, xonxoff=False, rtscts=False,
            dtr=True, rts=True, cts=True, dsr=True, ri=False, cd=True, break_condition=False, name="device")

    def __setattr__(self, name, value):
        if self.__dict__[name] == value:
            return
        self.__dict__[name] = value
        say(name, value)
        if name == "break_condition" and value and self.brk:
            self.sock.sendall(BRK)

    def reset_input_buffer(self):
        say("purge input")

    def reset_output_buffer(self):
        say("purge output")


class Caller:
    """The connection that PortManager writes its answers to."""

    def __init__(self, sock):
        self.sock = sock

    def write(self, data):
        self.sock.sendall(data)


def serve(caller, device, brk):
    port = Device(device, brk)
    manager = serial.rfc2217.PortManager(port, Caller(caller))
    while True:
        for ready in select.select([caller, device], [], [], 1)[0]:
            data = ready.recv(4096)
            if not data:
                return
            if ready is caller:
                device.sendall(b"".join(manager.filter(data)))
            else:
                data = OPTION.sub(b"", data) if brk else data
                caller.sendall(b"".join(manager.escape(data)))
        manager.check_modem_lines()


def main():
    host, port = sys.argv[1].rsplit(":", 1)
    listener = socket.create_server(("127.0.0.1", 0))
    say("port", listener.getsockname()[1])
    while True:
        caller, _ = listener.accept()
        caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with caller, socket.create_connection((host, int(port))) as device:
            device.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                serve(caller, device, "--brk" in sys.argv)
            except OSError:
                pass  # an end like any other


main()
