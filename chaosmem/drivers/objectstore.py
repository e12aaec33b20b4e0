"""Object storage by obstore: S3 and what speaks like it, also gs://, az:// and file://.

Places and credentials come as for every S3 client: the URL, and AWS_ACCESS_KEY_ID,
AWS_SECRET_ACCESS_KEY, AWS_REGION and AWS_ENDPOINT_URL from the environment, or a cloud's own
identity of the pod. Plain HTTP has to be allowed by AWS_ALLOW_HTTP=true.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from chaosmem.errors import ChaosmemError, Exit, UsageError

if TYPE_CHECKING:
    from obstore.store import ObjectStore


_STATUS = re.compile(r"status code: (\d+ [A-Za-z ]+)")
_CODE = re.compile(r"<Code>(\w+)</Code>")


class ArchiveError(ChaosmemError):
    """The object storage cannot be reached, does not let us in, or does not have what is asked."""

    exit_code = Exit.INCONCLUSIVE


class Store:
    """One bucket, or a prefix in it."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        _module()
        with _told(f"cannot use {self.url}"):
            self._store = _open(self.url)

    def put(self, name: str, content: bytes | Path) -> None:
        """Store an object, whole or not at all; a big file goes up in parts."""
        import obstore  # noqa: PLC0415 - an extra

        with _told(f"cannot store {self.url}/{name}"):
            obstore.put(self._store, name, content)

    def get(self, name: str) -> bytes | None:
        """An object's bytes; None where there is none."""
        import obstore  # noqa: PLC0415 - an extra

        with _told(f"cannot read {self.url}/{name}"):
            try:
                return bytes(obstore.get(self._store, name).bytes())
            except FileNotFoundError:
                return None

    def names(self, ending: str) -> list[str]:
        """Names of the objects that end so, sorted."""
        import obstore  # noqa: PLC0415 - an extra

        with _told(f"cannot list {self.url}"):
            every = [meta["path"] for page in obstore.list(self._store) for meta in page]
        return sorted(name for name in every if name.endswith(ending))


def _module() -> None:
    try:
        import obstore  # noqa: F401, PLC0415 - an extra
    except ModuleNotFoundError as problem:
        raise UsageError(
            "object storage needs obstore", hint="pip install 'chaosmem[s3]'"
        ) from problem


def _open(url: str) -> ObjectStore:
    from obstore.store import from_url  # noqa: PLC0415 - an extra

    parts = urlsplit(url)
    if parts.scheme not in ("s3", "gs", "az", "file") or not (parts.netloc or parts.path):
        raise UsageError(
            f"{url!r} is no object storage", hint="s3://BUCKET/PREFIX, gs://, az://, file:///DIR"
        )
    if parts.scheme == "file":
        Path(parts.path).mkdir(parents=True, exist_ok=True)
    return from_url(url)


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Storage's own errors as ours, in a line that names no secret."""
    from obstore.exceptions import BaseError  # noqa: PLC0415 - an extra

    try:
        yield
    except (BaseError, OSError, ValueError) as problem:
        words = _words(str(problem))
        raise ArchiveError(f"{what}: {words}", hint=_hint(words)) from problem


def _words(said: str) -> str:
    """S3's own code where there is one: `403 Forbidden: SignatureDoesNotMatch`."""
    status, code = _STATUS.search(said), _CODE.search(said)
    if status and code:
        return f"{status[1]}: {code[1]}"
    return said.strip().partition("\n")[0] or "no reason was given"


def _hint(words: str) -> str:
    if words.startswith(("401", "403")):
        return "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and what they may do in the bucket"
    return "the URL, AWS_ENDPOINT_URL and AWS_REGION; AWS_ALLOW_HTTP=true for plain HTTP"
