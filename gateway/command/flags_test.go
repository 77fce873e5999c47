package command

import (
	"testing"
	"time"
	_ "time/tzdata" // for a machine without time zones
)

func TestParseTime(t *testing.T) {
	zone := time.FixedZone("", 3600)
	now := time.Date(2026, 11, 23, 3, 12, 44, 0, zone)
	for text, want := range map[string]time.Time{
		"1h":                   now.Add(-time.Hour),
		"-90s":                 now.Add(-90 * time.Second),
		"2d":                   now.AddDate(0, 0, -2),
		"03:00":                time.Date(2026, 11, 23, 3, 0, 0, 0, zone),
		"23:30":                time.Date(2026, 11, 22, 23, 30, 0, 0, zone),
		"02:00:01":             time.Date(2026, 11, 23, 2, 0, 1, 0, zone),
		"today":                time.Date(2026, 11, 23, 0, 0, 0, 0, zone),
		"yesterday":            time.Date(2026, 11, 22, 0, 0, 0, 0, zone),
		"2026-11-20":           time.Date(2026, 11, 20, 0, 0, 0, 0, zone),
		"2026-11-20T03:00:00Z": time.Date(2026, 11, 20, 3, 0, 0, 0, time.UTC),
		"2026-11-20T03:00":     time.Date(2026, 11, 20, 3, 0, 0, 0, zone),
	} {
		if got, err := parseTime(text, now); err != nil || !got.Equal(want) {
			t.Errorf("parseTime(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, day := range []time.Time{time.Date(2026, 3, 29, 12, 0, 0, 0, berlin), time.Date(2026, 10, 25, 12, 0, 0, 0, berlin)} {
		want := time.Date(day.Year(), day.Month(), day.Day(), 8, 0, 0, 0, berlin)
		if got, err := parseTime("08:00", day); err != nil || !got.Equal(want) {
			t.Errorf("08:00 on a day when the clocks change is %v, %v", got, err)
		}
	}
	for _, text := range []string{"", "soon", "25:00", "2026-13-01", "1x"} {
		if got, err := parseTime(text, now); err == nil {
			t.Errorf("parseTime(%q) = %v", text, got)
		}
	}
}
