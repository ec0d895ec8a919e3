//go:build tools

// The programs of the image echo-advanced: named here so that go.mod keeps all that they need.
package programs

import (
	_ "istio.io/istio/pkg/test/echo/cmd/client"
	_ "istio.io/istio/pkg/test/echo/cmd/server"
)
