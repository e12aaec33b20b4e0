// Chaos Mesh's own controller for StressChaos, from its Go module, beside a stand-in of its daemon.
//
// Real: finalizers, desired phase, conditions, selection and records, the StressChaos
// implementation with its swallowed error, and the webhook's rules.
// Stand-in: the daemon and its memStress (daemon.go, ../stressor); they can be told to misbehave.
package main

import (
	"fmt"
	"os"
)

func main() {
	if len(os.Args) < 2 {
		fail(fmt.Errorf("usage: controller run BEHAVIOUR-FILE STRESSOR | validate < OBJECT"))
	}
	switch os.Args[1] {
	case "run":
		run(os.Args[2], os.Args[3])
	case "validate":
		validate(os.Stdin)
	default:
		fail(fmt.Errorf("unknown command %q", os.Args[1]))
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
