"""Plugins of chaosmem: few descriptors, a ceiling of goroutines, CSV, and targets by pidfile."""
