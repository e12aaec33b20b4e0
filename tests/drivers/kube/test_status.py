"""A refusal of the API server becomes the error that says how to mend it."""

from __future__ import annotations

import json

import pytest

from chaosmem.drivers.kube.skew import Sight, bound
from chaosmem.drivers.kube.status import AlreadyExists, Expired, failure, read_refusal
from chaosmem.errors import (
    AdmissionRefused,
    ClusterConflict,
    ClusterError,
    ClusterForbidden,
    ClusterNotFound,
    ClusterUnreachable,
)


def _error(code: int, message: str, reason: str = "", **details: object) -> ClusterError:
    said = {
        "kind": "Status",
        "code": code,
        "message": message,
        "reason": reason,
        "details": details,
    }
    return failure(read_refusal(code, json.dumps(said).encode()), "create Pod shop/x")


RBAC = (
    'pods is forbidden: User "system:serviceaccount:shop:bot" cannot create resource'
    ' "pods/portforward" in API group "" in the namespace "shop"'
)
CLUSTER_WIDE = (
    'nodes is forbidden: User "bot" cannot list resource "nodes" in API group "x.io"'
    " at the cluster scope"
)


@pytest.mark.parametrize(
    ("code", "message", "reason", "kind"),
    [
        (401, "Unauthorized", "Unauthorized", ClusterUnreachable),
        (403, RBAC, "Forbidden", ClusterForbidden),
        (403, 'pods "x" is forbidden: exceeded quota: q', "Forbidden", AdmissionRefused),
        (403, 'pods "x" is forbidden: violates PodSecurity "restricted"', "", AdmissionRefused),
        (400, 'admission webhook "v.io" denied the request: no', "", AdmissionRefused),
        (404, 'pods "x" not found', "NotFound", ClusterNotFound),
        (409, 'pods "x" already exists', "AlreadyExists", AlreadyExists),
        (409, "the object has been modified", "Conflict", ClusterConflict),
        (410, "too old resource version", "Expired", Expired),
        (422, "spec.x: Invalid value", "Invalid", AdmissionRefused),
        (429, "too many requests", "TooManyRequests", ClusterUnreachable),
        (503, "etcd is away", "ServiceUnavailable", ClusterUnreachable),
    ],
)
def test_each_refusal_has_its_error(
    code: int, message: str, reason: str, kind: type[ClusterError]
) -> None:
    assert type(_error(code, message, reason)) is kind


def test_a_missing_permission_is_named_with_verb_resource_and_namespace() -> None:
    error = _error(403, RBAC)
    assert str(error) == (
        "create Pod shop/x: system:serviceaccount:shop:bot may not create pods/portforward"
        " in namespace shop"
    )
    assert "manifests/" in error.hint
    assert "may not list nodes.x.io in the whole cluster" in str(_error(403, CLUSTER_WIDE))


def test_pod_security_says_which_label_would_allow_it() -> None:
    error = _error(403, 'pods "x" is forbidden: violates PodSecurity "restricted:latest": host')
    assert "pod-security.kubernetes.io/enforce=privileged" in error.hint


def test_what_is_no_status_is_told_by_its_first_line() -> None:
    error = failure(read_refusal(502, b"bad gateway\n<html>"), "list pods")
    assert "bad gateway (HTTP 502)" in str(error)


def test_how_long_to_wait_is_read_from_the_header_or_the_details() -> None:
    assert read_refusal(429, b"", "7").retry_after == 7
    said = {"kind": "Status", "details": {"retryAfterSeconds": 3}}
    assert read_refusal(429, json.dumps(said).encode()).retry_after == 3
    assert read_refusal(429, b"", "Wed, 21 Oct 2026 07:28:00 GMT").retry_after is None


def test_answers_at_different_moments_narrow_the_skew() -> None:
    # The server is 10.25 s ahead: what it says changes from 110 to 111 at our 100.75.
    sights = tuple(Sight(at, at + 0.01, int(at + 10.25)) for at in (100.1, 100.5, 100.7, 100.8))
    skew = bound(sights)
    assert abs(skew.offset - 10.25) <= skew.uncertainty
    assert skew.uncertainty < 0.1


def test_a_clock_that_jumps_makes_the_skew_uncertain_and_never_wrong() -> None:
    skew = bound((Sight(100, 100.01, 110), Sight(101, 101.01, 131)))
    assert skew.uncertainty >= 10
