// The suite as upstream runs it, with two additions: each test says at once how it ended, which Go's own output does only when all have;
// and CONFORMANCE_ONLY names the tests to run, where upstream's flag takes but one.
package programs

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/gateway-api/conformance"
	"sigs.k8s.io/gateway-api/conformance/tests"
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
	if only := os.Getenv("CONFORMANCE_ONLY"); only != "" {
		wanted := strings.Split(only, ",")
		for _, test := range tests.ConformanceTests {
			if !slices.Contains(wanted, test.ShortName) {
				options.SkipTests = append(options.SkipTests, test.ShortName)
			}
		}
	}
	conformance.RunConformanceWithOptions(t, options)
}
