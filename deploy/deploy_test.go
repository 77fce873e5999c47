// Package deploy_test checks what is shipped beside the binary.
package deploy_test

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// maxExposure is what the unit is held to; systemd counts 0 (best) to 10.
const maxExposure = 1.8

// skip leaves a test out where a program is missing; never with CI=true.
func skip(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s, and with CI=true nothing may be skipped", why)
	}
	t.Skip(why)
}

var overall = regexp.MustCompile(`Overall exposure level for \S+: ([0-9.]+)`)

func exposure(t *testing.T, unit string) (level float64, report string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "systemd-analyze", "security", "--offline=true", "--no-pager", unit)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "SYSTEMD_COLORS=0")
	out, err := cmd.CombinedOutput()
	m := overall.FindSubmatch(out)
	if m == nil {
		t.Fatalf("systemd-analyze security %s: %v\n%s", unit, err, out)
	}
	level, err = strconv.ParseFloat(string(m[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return level, string(out)
}

func needSystemd(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		skip(t, "systemd-analyze is missing")
	}
}

func TestUnitExposure(t *testing.T) {
	needSystemd(t)
	level, report := exposure(t, "consoled.service")
	t.Logf("exposure %.1f", level)
	if level > maxExposure {
		t.Errorf("exposure %.1f is over %.1f\n%s", level, maxExposure, report)
	}
}

// TestUnitExposureGrows shows that the figure is one of this unit: without the
// bound on capabilities it is over the limit.
func TestUnitExposureGrows(t *testing.T) {
	needSystemd(t)
	text, err := os.ReadFile("consoled.service")
	if err != nil {
		t.Fatal(err)
	}
	loose := strings.ReplaceAll(string(text), "CapabilityBoundingSet=", "#CapabilityBoundingSet=")
	path := t.TempDir() + "/loose.service"
	if err := os.WriteFile(path, []byte(loose), 0o600); err != nil {
		t.Fatal(err)
	}
	if level, _ := exposure(t, path); level <= maxExposure {
		t.Errorf("exposure %.1f without a bound on capabilities; the check is blind", level)
	}
}

// TestUnitSettings holds the settings that the exposure does not count, or that
// the gateway breaks without.
func TestUnitSettings(t *testing.T) {
	for file, want := range map[string][]string{
		"consoled.service": {
			"Type=notify",
			"ExecReload=/bin/kill -HUP $MAINPID",
			"StateDirectory=consoled",
			"StateDirectoryMode=0700",
			"UMask=0077",
			"CapabilityBoundingSet=CAP_NET_BIND_SERVICE",
			"SupplementaryGroups=dialout",
			"DeviceAllow=char-tty* rw",
			"Restart=always",
		},
		"Containerfile": {
			"FROM scratch",
			"USER 65532:65532",
			`ENTRYPOINT ["/consoled"]`,
		},
	} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(text), "\n")
		for _, line := range want {
			if !slices.Contains(lines, line) {
				t.Errorf("%s has no line %q", file, line)
			}
		}
	}
}
