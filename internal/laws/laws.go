// Package laws holds the repository to its own rules. It has no code: its tests
// read the source tree.
//
// A test that fails here names the rule and the place. Where a rule stands in the
// way of something good, change the rule, in the same commit and with the reason.
package laws
