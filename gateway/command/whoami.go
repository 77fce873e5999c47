package command

import (
	"context"
	"strings"

	"consoled/auth"
	"consoled/gateway/names"
	"consoled/gateway/screen"
)

func whoamiVerb() verb {
	return verb{
		name: "whoami", does: "who you are and what you may do", target: noTarget,
		flags: []flag{{name: "--json", does: "as JSON"}},
		run:   whoami,
	}
}

// rightWords is rights for JSON: none are an empty list.
func rightWords(r auth.Rights) []string {
	if r == 0 {
		return []string{}
	}
	return strings.Split(r.String(), ",")
}

// whoami prints who the caller is, with the consoles of each set of rights.
func whoami(_ context.Context, c *call) int {
	id := c.s.Who
	byRights, order := map[string][]string{}, []string{}
	for _, x := range visible(c.g, c.s) {
		r := c.rights(x).String()
		if byRights[r] == nil {
			order = append(order, r)
		}
		byRights[r] = append(byRights[r], x.Name())
	}
	if c.has("--json") {
		type grant struct {
			Rights   []string `json:"rights"`
			Consoles []string `json:"consoles"`
		}
		grants := []grant{}
		for _, r := range order {
			grants = append(grants, grant{strings.Split(r, ","), names.Fold(byRights[r])})
		}
		c.out.object(struct {
			V       int      `json:"v"`
			Name    string   `json:"name"`
			Key     string   `json:"key"`
			From    string   `json:"from"`
			Gateway []string `json:"gateway"` // rights on the gateway itself
			Grants  []grant  `json:"grants"`
		}{1, id.Name, id.Fingerprint, id.Source.String(), rightWords(c.g.GatewayRights(id)), grants})
		return ExitOK
	}
	c.out.printf("you are   %s\n", screen.Printable(id.Name, 80))
	c.out.printf("key       %s\n", strings.TrimSpace(id.Fingerprint+" "+screen.Printable(id.Comment, 80)))
	c.out.printf("from      %s\n", id.Source)
	if id.Key != nil && !id.Key.Expires.IsZero() {
		c.out.printf("until     %s\n", id.Key.Expires.Format("2006-01-02 15:04:05 MST"))
	}
	for _, r := range order {
		c.out.printf("you may   %s on %s\n", r, strings.Join(names.Fold(byRights[r]), ","))
	}
	if len(order) == 0 {
		c.out.printf("you may   nothing yet; ask for access with the fingerprint above\n")
	}
	return ExitOK
}
