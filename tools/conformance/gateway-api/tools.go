//go:build tools

// What the conformance run builds: named here so that go.mod keeps all that it needs.
package conformance

import (
	_ "sigs.k8s.io/gateway-api/conformance"
	_ "sigs.k8s.io/gateway-api/conformance/echo-basic"
)
