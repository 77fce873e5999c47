package config

import (
	"slices"
	"strings"
)

// YAML renders a console with every key in force, as "check --expand" prints
// it. Read again as the entry of a configuration, it is the same console.
func (c Console) YAML() string {
	var b strings.Builder
	b.WriteString("# " + c.Place)
	if len(c.Subject.Groups) > 0 {
		b.WriteString("; in the groups " + strings.Join(c.Subject.Groups, ", "))
	}
	b.WriteString("\n" + show(c.Subject.Name) + ":\n")
	for i := range fields {
		if text, ok := c.Settings.Get(fields[i].key); ok {
			b.WriteString("  " + fields[i].key + ": " + text + "\n")
		}
	}
	return b.String()
}

// Changed lists the keys that differ between two descriptions of a console, and
// whether its line must be opened anew for them. Groups count as a key, since
// access follows from them.
func Changed(old, new Console) (keys []string, reopen bool) {
	for i := range fields {
		f := &fields[i]
		before, had := old.Settings.Get(f.key)
		after, has := new.Settings.Get(f.key)
		if before != after || had != has || old.Bindings[f.key] != new.Bindings[f.key] {
			keys = append(keys, f.key)
			reopen = reopen || f.of != ""
		}
	}
	if !slices.Equal(old.Subject.Groups, new.Subject.Groups) {
		keys = append(keys, "groups")
	}
	return keys, reopen
}
