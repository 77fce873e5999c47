package config

import "slices"

// Settings are the keys of a console that are in force, each by its canonical
// rendering. The consoles of a range share what is the same for all of them,
// as there are thousands.
type Settings struct {
	common map[string]string // never changed once a console has it
	own    []keyText
}

type keyText struct{ key, text string }

// Get is the rendering of a key, and whether it is in force.
func (s Settings) Get(key string) (text string, ok bool) {
	for _, x := range s.own {
		if x.key == key {
			return x.text, true
		}
	}
	text, ok = s.common[key]
	return text, ok
}

// With is the settings with a key set otherwise.
func (s Settings) With(key, text string) Settings {
	s.own = append(slices.DeleteFunc(slices.Clone(s.own), func(x keyText) bool { return x.key == key }), keyText{key, text})
	return s
}

// Equal reports whether the same keys are in force with the same renderings.
func (s Settings) Equal(other Settings) bool {
	for i := range fields {
		a, inOne := s.Get(fields[i].key)
		b, inOther := other.Get(fields[i].key)
		if a != b || inOne != inOther {
			return false
		}
	}
	return true
}
