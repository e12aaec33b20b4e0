"""The cluster's fixtures for its own tests."""

from tests.cluster.fixtures import _broken, breakable, cluster, namespace

__all__ = ["_broken", "breakable", "cluster", "namespace"]
