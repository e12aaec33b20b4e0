"""Kubeconfig files with everything inside, so that they can be copied."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from tests.cluster.certs import Pair


def with_certificate(path: Path, server: str, authority: bytes, user: Pair) -> None:
    """For a user who shows a certificate."""
    credentials = {
        "client-certificate-data": _text(user.certificate),
        "client-key-data": _text(user.key),
    }
    _write(path, server, _text(authority), credentials, "default")


def with_token(
    path: Path, server: str, authority: bytes, token: str, namespace: str = "default"
) -> None:
    """For a bearer of a token."""
    _write(path, server, _text(authority), {"token": token}, namespace)


def _write(
    path: Path, server: str, authority: str, credentials: dict[str, str], namespace: str
) -> None:
    context = {"cluster": "test", "user": "test", "namespace": namespace}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [
            {
                "name": "test",
                "cluster": {"server": server, "certificate-authority-data": authority},
            }
        ],
        "contexts": [{"name": "test", "context": context}],
        "users": [{"name": "test", "user": credentials}],
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(document, indent=1))  # JSON is YAML


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
