"""A real one-node Kubernetes for tests and for people without one.

One static binary built from Kubernetes' own Go modules, Debian's containerd and runc, everything in
namespaces and a cgroup of its own: `python -m tests.cluster up`. See docs/test-cluster.md.
"""
