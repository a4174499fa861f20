//go:build !(go1.21 && linux && amd64)

package host
