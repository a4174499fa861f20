// Package target has the functions that are redirected. Each leaves its mark in its
// result: a number below 8 of its version in the lowest three bits, or a bit for it above
// the 56th where several functions have a part in the result.
package target

// Version is another one in each variant of the package.
const Version = 0

// Tag is the bit of the version.
const Tag = 1 << (56 + Version)
