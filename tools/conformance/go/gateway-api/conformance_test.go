// The suite as upstream runs it, with one addition: each test says at once how it ended, which Go's own output does only when all have.
package programs

import (
	"fmt"
	"testing"

	"sigs.k8s.io/gateway-api/conformance"
	"sigs.k8s.io/gateway-api/conformance/utils/suite"
)

func TestConformance(t *testing.T) {
	options := conformance.DefaultOptions(t)
	options.Hook = func(t *testing.T, test suite.ConformanceTest, _ *suite.ConformanceTestSuite) {
		outcome := "passed"
		if t.Failed() {
			outcome = "failed"
		} else if t.Skipped() {
			outcome = "skipped"
		}
		fmt.Printf("\n=== ENDED %s %s\n", test.ShortName, outcome)
	}
	conformance.RunConformanceWithOptions(t, options)
}
