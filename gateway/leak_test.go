package gateway

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain shows that nothing outlives the gateways of the tests.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
