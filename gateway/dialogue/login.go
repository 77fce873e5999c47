package dialogue

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"consoled/ports"
)

// An answer is what the target does next, as far as a login goes.
type answer int

const (
	silent       answer = iota // nothing in time, but perhaps line ends
	asksUser                   // the prompt for the user
	asksPassword               // the prompt for the password
	refuses                    // "Login incorrect"
	atShell                    // the prompt of a shell
	says                       // something else
)

// waking is how long a target has to ask by itself before it is sent a CR.
// One sent earlier would answer a prompt that is on its way.
const waking = 2 * time.Second

// login answers who we are:
//
//	silence ──CR──► user? ──user──► password? ──password──► anything else: done
//	   └── nothing asked, or a shell: done        └── asked again, refused: Authentication
func (t *Talk) login(ctx context.Context, l *Login) error {
	limit := cmp.Or(l.Timeout, Limit)
	got, err := t.next(ctx, l, min(waking, limit), asksUser, asksPassword)
	if err == nil && got == silent {
		if err = t.write([]byte{'\r'}, limit); err == nil {
			got, err = t.next(ctx, l, limit, asksUser, asksPassword, atShell)
		}
	}
	if err == nil && got == asksUser {
		got, err = t.tellUser(ctx, l, limit)
	}
	if err != nil || got != asksPassword {
		return err
	}
	if l.Password == nil {
		return errors.New("it asks for a password, and none is configured")
	}
	if err := t.tell(ctx, l.Password, limit); err != nil {
		return err
	}
	got, err = t.next(ctx, l, limit, asksUser, asksPassword, refuses, atShell, says)
	switch got {
	case asksUser, asksPassword, refuses:
		return denied("the user and password")
	}
	return err // one that says nothing has connected us to a line that is silent
}

// tellUser says the user's name and returns what the target asks then. A CR
// that crossed the first prompt has it asked a second time.
func (t *Talk) tellUser(ctx context.Context, l *Login, limit time.Duration) (answer, error) {
	if l.User == "" {
		return silent, errors.New("it asks for a user, and none is configured")
	}
	for range 2 {
		if err := t.enter([]byte(l.User), limit); err != nil {
			return silent, err
		}
		wanted := []answer{asksUser, asksPassword, refuses, atShell}
		if l.Password == nil {
			wanted = append(wanted, says)
		}
		got, err := t.next(ctx, l, limit, wanted...)
		switch {
		case err != nil:
			return got, err
		case got == refuses:
			return got, denied("the user")
		case got == silent && l.Password != nil:
			return got, fmt.Errorf("waited %s for the password prompt", limit)
		case got != asksUser:
			return got, nil
		}
	}
	return silent, denied("the user")
}

// denied is the error of a login that was refused.
func denied(what string) error {
	return &ports.Error{
		Reason: ports.Authentication, Err: errors.New("the target does not accept " + what),
		Fix: fixLogin,
	}
}

// fixLogin is what to do about a refused login.
const fixLogin = "set the user and the password, then reload; it is tried again minutes later, so that no account gets locked"

// next waits for one of the answers that are wanted, each told by the last
// words before the target falls silent, and for silent where none comes in time.
func (t *Talk) next(ctx context.Context, l *Login, limit time.Duration, wanted ...answer) (answer, error) {
	got := silent
	err := t.await(ctx, limit, func(text []byte, quiet bool) (int, bool) {
		if !quiet {
			return 0, false
		}
		now := l.understand(text, t.typed)
		for _, w := range wanted {
			if w != now {
				continue
			}
			got = now
			if now == atShell || now == says {
				return 0, true // the steps that follow may wait for it
			}
			return len(text), true
		}
		return 0, false
	})
	if errors.Is(err, errSilent) {
		return silent, nil
	}
	return got, err
}

// understand tells what the target said last, apart from its kernel. The echo of what was typed, in
// clear or as stars, says nothing.
func (l *Login) understand(text, typed []byte) answer {
	const blank = "\r\n \t*"
	text = kernelLine.ReplaceAll(text, nil)
	said := bytes.TrimLeft(bytes.TrimPrefix(bytes.TrimLeft(text, blank), typed), blank)
	switch {
	case len(said) == 0:
		return silent
	case orUsual(l.AsksPassword, usualPassword).Match(text):
		return asksPassword
	case orUsual(l.AsksUser, usualUser).Match(text):
		return asksUser
	case refusal.Match(said):
		return refuses
	case usualShell.Match(text):
		return atShell
	}
	return says
}

// AtShell reports whether text ends in what looks like the prompt of a shell.
func AtShell(text []byte) bool { return usualShell.Match(text) }

func orUsual(re, usual *regexp.Regexp) *regexp.Regexp {
	if re != nil {
		return re
	}
	return usual
}
