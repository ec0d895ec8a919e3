//go:build tools

// Package programs names the programs of the conformance run, so that go.mod keeps all that they need.
package programs

import (
	_ "sigs.k8s.io/gateway-api/conformance/echo-basic"
)
