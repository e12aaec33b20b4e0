//go:build !unix

package agent

func descriptorLimit() (int64, bool) { return 0, false }
