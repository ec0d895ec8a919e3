//go:build tools

// The programs of the conformance run, named here so that go.mod keeps all that they need.
package programs

import (
	_ "sigs.k8s.io/gateway-api/conformance"
	_ "sigs.k8s.io/gateway-api/conformance/echo-basic"
)
