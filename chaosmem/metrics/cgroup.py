"""What the kernel charges to the target's container, read by the helper on its node."""

from __future__ import annotations

from functools import partial

from chaosmem.metrics.model import Kind, Layer, Metric

_gauge = partial(Metric, layer=Layer.CGROUP)

CGROUP_USAGE = _gauge(
    "memory.cgroup.usage@v1", "By", "helper cgroup.usage", "All memory charged to the container."
)
CGROUP_WORKING_SET = _gauge(
    "memory.cgroup.working_set@v1",
    "By",
    "helper cgroup.working_set",
    "Usage less inactive file pages, as kubelet and cAdvisor compute it.",
)
CGROUP_ANON = _gauge(
    "memory.cgroup.anon@v1", "By", "helper cgroup.anon", "Anonymous memory charged."
)
CGROUP_CACHE = _gauge("memory.cgroup.cache@v1", "By", "helper cgroup.cache", "Page cache charged.")
CGROUP_LIMIT = _gauge(
    "memory.cgroup.limit@v1",
    "By",
    "helper cgroup.limit",
    "The container's limit; not measured where there is none.",
)
CGROUP_OOM_KILLS = _gauge(
    "memory.cgroup.oom_kills@v1", "1", "helper events.oom_kill", "OOM kills.", kind=Kind.COUNTER
)
TARGET_RSS = _gauge(
    "memory.target.rss@v1",
    "By",
    "helper target.rss",
    "Resident sets of the container's own processes, the stressor's left out.",
)

METRICS = (
    CGROUP_USAGE,
    CGROUP_WORKING_SET,
    CGROUP_ANON,
    CGROUP_CACHE,
    CGROUP_LIMIT,
    CGROUP_OOM_KILLS,
    TARGET_RSS,
)
