package ports

// Socket runs f on the descriptor of a port's connection.
func Socket(p Port, f func(fd int) error) error {
	switch p := p.(type) {
	case *stream:
		return control(p.try.raw, f)
	case *secured:
		return control(p.try.raw, f)
	}
	panic("not a port of Dial")
}
