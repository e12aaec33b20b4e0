"""What the API server's refusals mean: a `Status` object into one error of the tree.

403 has two meanings that need different mending: RBAC (a permission is missing) and admission
(a quota, PodSecurity or a webhook says no); only the message tells them apart.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final

from chaosmem.drivers.kube.kinds import JsonObject
from chaosmem.errors import (
    AdmissionRefused,
    ClusterConflict,
    ClusterError,
    ClusterForbidden,
    ClusterNotFound,
    ClusterUnreachable,
)

_RBAC: Final = re.compile(
    r'User "(?P<user>[^"]*)" cannot (?P<verb>\S+)'
    r' (?:resource "(?P<resource>[^"]*)"|path "(?P<path>[^"]*)")'
    r'(?: in API group "(?P<group>[^"]*)")?(?: in the namespace "(?P<namespace>[^"]*)")?'
)
_ADMISSION: Final = (
    "admission webhook",
    "exceeded quota",
    "violates PodSecurity",
    "denied request",
)


class Expired(ClusterError):
    """410: the resource version is too old; list again."""


class AlreadyExists(ClusterConflict):
    """409 of a create: there is one of that name."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The parts of a `Status` object that decide what it means."""

    code: int
    reason: str
    message: str
    causes: tuple[str, ...] = ()
    retry_after: float | None = None


def read_refusal(code: int, body: bytes, retry_after: str | None = None) -> Refusal:
    """The refusal in an answer's body; plain text where it is no `Status`."""
    said = _status_object(body)
    details = said.get("details") or {}
    wait = str(retry_after or details.get("retryAfterSeconds") or "")
    return Refusal(
        code=int(said.get("code") or code),
        reason=str(said.get("reason") or ""),
        message=str(said.get("message") or _first_line(body) or f"HTTP {code}"),
        causes=tuple(_cause(cause) for cause in details.get("causes") or ()),
        retry_after=float(wait) if wait.isdigit() else None,
    )


def is_status(body: bytes) -> bool:
    """Whether this is the API server's own `Status`, and not what something behind it said."""
    return bool(_status_object(body))


def _status_object(body: bytes) -> JsonObject:
    try:
        said = json.loads(body) if body[:1] == b"{" else None
    except ValueError:
        return {}
    return said if isinstance(said, dict) and said.get("kind") == "Status" else {}


def _first_line(body: bytes) -> str:
    lines = body[:200].decode("utf-8", "replace").strip().splitlines()
    return lines[0] if lines else ""


def _cause(cause: JsonObject) -> str:
    return ": ".join(str(cause[key]) for key in ("field", "message") if cause.get(key))


def failure(refusal: Refusal, what: str) -> ClusterError:
    """The error of a refused request; `what` was asked, as in `create Lease shop/cart`."""
    kinds = {404: _not_found, 409: _conflict, 410: _expired, 401: _unauthorized, 403: _forbidden}
    if refusal.code in kinds:
        return kinds[refusal.code](refusal, what)
    if refusal.code == 422 or _by_admission(refusal):  # noqa: PLR2004 - Unprocessable Entity
        return _refused(refusal, what)
    if refusal.code == 429 or refusal.code >= 500:  # noqa: PLR2004 - Too Many Requests, 5xx
        return ClusterUnreachable(
            f"{what}: the API server cannot answer: {refusal.message} (HTTP {refusal.code})",
            hint="look at the API server's health: `kubectl get --raw /readyz?verbose`",
        )
    return ClusterError(f"{what}: {refusal.message} (HTTP {refusal.code})")


def _by_admission(refusal: Refusal) -> bool:
    return any(sign in refusal.message for sign in _ADMISSION)


def _not_found(refusal: Refusal, what: str) -> ClusterError:
    return ClusterNotFound(f"{what}: {refusal.message}", hint="look at the name and the namespace")


def _conflict(refusal: Refusal, what: str) -> ClusterError:
    kind = AlreadyExists if refusal.reason == "AlreadyExists" else ClusterConflict
    return kind(f"{what}: {refusal.message}")


def _expired(refusal: Refusal, what: str) -> ClusterError:
    return Expired(f"{what}: {refusal.message}")


def _unauthorized(refusal: Refusal, what: str) -> ClusterError:
    return ClusterUnreachable(
        f"{what}: the API server does not accept these credentials ({refusal.message})",
        hint="log in again, or choose another context: `kubectl config get-contexts`",
    )


def _forbidden(refusal: Refusal, what: str) -> ClusterError:
    match = _RBAC.search(refusal.message)
    if match is None:
        return _refused(refusal, what)
    return ClusterForbidden(
        f"{what}: {match['user']} {_missing(match)}",
        hint="grant it with the Role in manifests/, or ask whoever looks after the cluster to;"
        " `chaosmem doctor` lists every permission that is needed",
    )


def _missing(match: re.Match[str]) -> str:
    if match["path"]:
        return f"may not {match['verb']} the path {match['path']}"
    group = f".{match['group']}" if match["group"] else ""
    plural, slash, sub = match["resource"].partition("/")
    where = f"in namespace {match['namespace']}" if match["namespace"] else "in the whole cluster"
    return f"may not {match['verb']} {plural}{group}{slash}{sub} {where}"


def _refused(refusal: Refusal, what: str) -> ClusterError:
    causes = f" ({'; '.join(refusal.causes)})" if refusal.causes else ""
    text = refusal.message if not causes or refusal.causes[0] in refusal.message else ""
    return AdmissionRefused(
        f"{what}: refused: {text or refusal.message + causes}", hint=_admission_hint(refusal)
    )


def _admission_hint(refusal: Refusal) -> str:
    if "violates PodSecurity" in refusal.message:
        return (
            "the namespace's PodSecurity level forbids it: use a namespace of its own that is"
            " labelled pod-security.kubernetes.io/enforce=privileged"
        )
    if "exceeded quota" in refusal.message:
        return "raise the namespace's ResourceQuota, or free what it counts"
    if "admission webhook" in refusal.message:
        return "the webhook that the message names forbids it; ask its owner"
    return ""
