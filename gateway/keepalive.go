package gateway

import (
	"sync/atomic"
	"time"

	gossh "golang.org/x/crypto/ssh"
)

// keepaliveRequest is OpenSSH's: whatever the answer, it proves that the peer is there.
const keepaliveRequest = "keepalive@openssh.com"

// watch starts the keepalives of a connection; its end ends them.
func (c *connection) watch(conn *gossh.ServerConn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ending {
		return
	}
	c.active.Go(func() {
		defer c.caught("keepalive")
		c.keepalive(conn)
	})
}

// keepalive asks a silent peer for a sign of life and gives it up as lost when
// none comes. Anything that arrives is a sign: a slow line may have much to
// carry before it brings our question. One question is under way at a time.
func (c *connection) keepalive(conn *gossh.ServerConn) {
	limits := c.g.site.Load().config.Limits
	patience := limits.Keepalive * time.Duration(limits.KeepaliveCount+1)
	wait := time.NewTimer(limits.Keepalive)
	defer wait.Stop()
	var asking atomic.Bool
	for {
		select {
		case <-c.gone:
			return
		case <-wait.C:
		}
		silent := c.wire.silence()
		switch {
		case silent < limits.Keepalive:
			wait.Reset(limits.Keepalive - silent)
			continue
		case silent >= patience:
			c.log.Warn("connection lost", "err", errSilent)
			c.wire.lose()
			return
		case !asking.Swap(true):
			c.active.Go(func() {
				defer c.caught("keepalive")
				defer asking.Store(false)
				// Without an answer the silence says all; an answer was heard below.
				_, _, _ = conn.SendRequest(keepaliveRequest, true, nil)
			})
		}
		wait.Reset(min(limits.Keepalive, patience-silent))
	}
}
