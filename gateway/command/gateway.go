package command

import (
	"context"
	"strings"
	"time"

	"consoled/auth"
	"consoled/gateway/attach"
	"consoled/gateway/console"
	"consoled/gateway/screen"
)

// health is the gateway's own state. Counts of what the caller may not see
// would tell about it, so that they are for admins.
func health(c *call) int {
	h := c.g.Health()
	admin := c.g.GatewayRights(c.s.Who).Has(auth.Admin)
	if !admin {
		h = Health{Version: h.Version, Started: h.Started, HostKeys: h.HostKeys}
		for _, x := range visible(c.g, c.s) {
			h.Consoles++
			if x.Status().State == console.Up {
				h.Up++
			}
		}
	}
	if c.has("--json") {
		c.out.object(struct {
			V int `json:"v"`
			Health
		}{1, h})
		return ExitOK
	}
	now := time.Now()
	c.out.printf("consoled %s, up %s\n", h.Version, attach.Ago(now.Sub(h.Started)))
	c.out.printf("consoles      %d, %d up\n", h.Consoles, h.Up)
	for _, k := range h.HostKeys {
		c.out.printf("host key      %s\n", k)
	}
	if admin {
		c.out.printf("configured    %s ago\n", attach.Ago(now.Sub(h.Reloaded)))
		c.out.printf("listening     %s\n", strings.Join(h.Listen, " "))
		c.out.printf("connections   %d, with %s\n", h.Connections, count(h.Sessions, "session"))
		c.out.printf("panics        %d\n", h.Panics)
	}
	for _, w := range h.Warnings {
		c.out.printf("warning       %s\n", screen.Printable(w, 300))
	}
	return ExitOK
}

func versionVerb() verb {
	return verb{
		name: "version", does: "the gateway's version", target: noTarget,
		run: func(_ context.Context, c *call) int {
			c.out.printf("consoled %s\n", c.g.Version())
			return ExitOK
		},
	}
}

func reloadVerb() verb {
	return verb{
		name: "reload", does: "read the configuration again; a mistake changes nothing", target: noTarget, needs: auth.Admin,
		run: func(ctx context.Context, c *call) int {
			return c.configured(c.g.Reload(ctx, c.s.Who.Name))
		},
	}
}

func checkVerb() verb {
	return verb{
		name: "check", does: "check the configuration without applying it", target: noTarget, needs: auth.Admin,
		run: func(_ context.Context, c *call) int { return c.configured(c.g.Check()) },
	}
}

// configured prints what came of a configuration.
func (c *call) configured(summary string, err error) int {
	if err != nil {
		c.out.warn("%v", err)
		return ExitConfig
	}
	c.out.printf("%s\n", summary)
	return ExitOK
}
