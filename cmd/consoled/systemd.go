package main

import (
	"fmt"
	"net"
	"time"

	"github.com/coreos/go-systemd/v22/activation"
	"github.com/coreos/go-systemd/v22/daemon"
)

// notify tells systemd, where it started us, how we are (sd_notify(3)). Where
// it did not, or does not listen, nobody misses it.
func notify(state string) { _, _ = daemon.SdNotify(false, state) }

// reloading is the notice that Type=notify-reload asks for.
func reloading() string { return daemon.SdNotifyReloading + "\n" + daemon.SdNotifyMonotonicUsec() }

// watchdog ticks at half the interval at which systemd wants to hear of us;
// nil where it does not.
func watchdog() <-chan time.Time {
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil || interval == 0 {
		return nil
	}
	return time.Tick(interval / 2)
}

// inherited are the sockets of socket activation, if any.
func inherited() ([]net.Listener, error) {
	listeners, err := activation.Listeners()
	if err != nil {
		return nil, fmt.Errorf("take over systemd's sockets: %w", err)
	}
	return listeners, nil
}
