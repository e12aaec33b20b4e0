"""Every way in, at a real Prometheus: bearer, basic, mTLS, headers; what is wrong is told."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chaosmem.cli.secrets import refuse_missing
from chaosmem.drivers.prometheus import PrometheusClient
from chaosmem.errors import ProbeFailed, TargetError
from chaosmem.spec import loads
from chaosmem.spec.errors import SpecInvalid
from chaosmem.spec.prometheus import Prometheus
from tests.prometheus.conftest import Scene
from tests.prometheus.guarded import (
    BCRYPT,
    BEARER,
    PASSWORD,
    Guarded,
    certificates,
    prometheus,
    proxy,
)
from tests.prometheus.test_server import finding, passed, run
from tests.spec.build import written

pytestmark = pytest.mark.timeout(300)  # whole runs, on a machine that may be busy
BASIC = f"basic_auth_users: {{chaosmem: '{BCRYPT}'}}\n"
MTLS = """
tls_server_config:
  cert_file: server.crt
  key_file: server.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ca.crt
"""


@pytest.fixture(scope="module")
def guarded(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """A Prometheus that wants a password and a certificate."""
    base = certificates(tmp_path_factory.mktemp("guarded"))
    (base / "password").write_text(f"{PASSWORD}\n")
    with prometheus(base, scene.demo, BASIC + MTLS) as address:
        yield Guarded(f"https://{address}", base)


@pytest.fixture(scope="module")
def behind_proxy(scene: Scene) -> Iterator[str]:
    """The scene's Prometheus behind a proxy that wants a bearer and a tenant."""
    with proxy(scene.prometheus) as url:
        yield url


def _certificates(
    guarded: Guarded, client: str | None = "client", ca: str = "ca"
) -> dict[str, Any]:
    files = {"ca_file": str(guarded.files / f"{ca}.crt")}
    if client is not None:
        files["cert_file"] = str(guarded.files / f"{client}.crt")
        files["key_file"] = str(guarded.files / f"{client}.key")
    return files


def _access(guarded: Guarded, tls: dict[str, Any] | None = None, **more: Any) -> Prometheus:
    fields: dict[str, Any] = {
        "url": guarded.url,
        "basic_user": "chaosmem",
        "basic_password_file": str(guarded.files / "password"),
        "tls": _certificates(guarded) if tls is None else tls,
    }
    return Prometheus.model_validate(fields | more, by_name=True)


async def _asked(where: Prometheus) -> str:
    """The version of the server, by each of the ways that the driver has of asking."""
    async with PrometheusClient(where) as client:
        answer = await client.instant("prometheus_build_info or vector(1)")
        await client.between("vector(1)", 1000.0, 1010.0)
        assert await client.rules() is not None
        assert await client.alerts() is not None
        return str(answer.series[0]["value"][1])


async def test_password_and_client_certificate_let_in(guarded: Guarded) -> None:
    assert await _asked(_access(guarded)) == "1"


async def test_a_wrong_password_is_told_and_not_repeated(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROM_PASSWORD", "wr0ng-password")
    where = _access(guarded, basic_password_file=None, basic_password_env="PROM_PASSWORD")
    with pytest.raises(ProbeFailed, match="401") as caught:
        await _asked(where)
    assert "wr0ng" not in str(caught.value)


@pytest.mark.parametrize("client", [None, "stranger"])
async def test_without_the_right_client_certificate_nobody_is_let_in(
    client: str | None, guarded: Guarded
) -> None:
    with pytest.raises(ProbeFailed, match=r"SSLError|ConnectionError"):
        await _asked(_access(guarded, _certificates(guarded, client)))


async def test_a_server_of_another_authority_is_not_believed(guarded: Guarded) -> None:
    with pytest.raises(ProbeFailed, match="certificate verify failed"):
        await _asked(_access(guarded, _certificates(guarded, ca="other-ca")))


async def test_a_certificate_that_has_gone_is_told(guarded: Guarded) -> None:
    with pytest.raises(ProbeFailed, match="TLS certificate file"):
        await _asked(_access(guarded, _certificates(guarded, "gone")))


async def test_bearer_and_headers_go_along(
    behind_proxy: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "bearer").write_text(f"{BEARER}\n")
    monkeypatch.setenv("PROM_BEARER", BEARER)
    monkeypatch.setenv("TENANT", "shop")
    for fields in (
        {"bearer_env": "PROM_BEARER", "headers": {"X-Scope-OrgID": "shop"}},
        {"bearer_file": str(tmp_path / "bearer"), "headers_env": {"X-Scope-OrgID": "TENANT"}},
    ):
        assert await _asked(Prometheus.model_validate({"url": behind_proxy} | fields, by_name=True))


async def test_a_wrong_bearer_or_tenant_is_told_and_not_repeated(
    behind_proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROM_BEARER", "wr0ng-bearer")
    with pytest.raises(ProbeFailed, match="401") as caught:
        await _asked(Prometheus(url=behind_proxy, bearer_env="PROM_BEARER"))
    assert "wr0ng" not in str(caught.value)
    monkeypatch.setenv("PROM_BEARER", BEARER)
    with pytest.raises(ProbeFailed, match="403"):
        await _asked(
            Prometheus(
                url=behind_proxy, bearer_env="PROM_BEARER", headers={"X-Scope-OrgID": "other"}
            )
        )


def test_a_secret_with_a_line_break_is_refused_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PROM_BEARER", "first-line\nsecond-line")
    with pytest.raises(TargetError, match="PROM_BEARER is no secret") as caught:
        PrometheusClient(Prometheus(url="http://h:9090", bearer_env="PROM_BEARER"))
    assert "line\n" not in str(caught.value)


CHECK = {"promql": {"name": "seen", "query": "go_goroutines", "atLeast": 1}}


def test_a_whole_run_asks_through_both_doors_and_keeps_no_secret(
    guarded: Guarded, scene: Scene, tmp_path: Path
) -> None:
    where = {
        "url": guarded.url,
        "basicUser": "chaosmem",
        "basicPasswordFile": str(guarded.files / "password"),
        "step": "200ms",
        "tls": {
            "caFile": str(guarded.files / "ca.crt"),
            "certFile": str(guarded.files / "client.crt"),
            "keyFile": str(guarded.files / "client.key"),
        },
    }
    ran = run(tmp_path, scene, [CHECK], prometheus=where)
    assert passed(finding(ran, "seen")), finding(ran, "seen")["reason"]
    kept = [p.read_bytes() for p in ran["dir"].rglob("*") if p.is_file()]
    assert kept
    assert not any(PASSWORD.encode() in data for data in kept)


def test_a_run_that_is_not_let_in_is_inconclusive_and_says_so(
    behind_proxy: str, scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROM_BEARER", "wr0ng-bearer")
    where = {"url": behind_proxy, "bearerEnv": "PROM_BEARER"}
    ran = run(tmp_path, scene, [CHECK], prometheus=where)
    said = finding(ran, "seen")
    assert said["outcome"] == "INCONCLUSIVE"
    assert "401" in said["reason"]
    assert "wr0ng" not in ran["out"] + (ran["dir"] / "verdict.json").read_text()


MISSING = """
9:47: prometheus.bearerEnv: the variable NO_BEARER is not set
9:75: prometheus.headersEnv.X-Key: the variable NO_KEY is not set
9:97: prometheus.tls.caFile: cannot read the secret in /nowhere/ca: No such file or directory
""".strip().splitlines()


def test_every_secret_that_is_missing_is_refused_at_its_place() -> None:
    where = (
        "{url: 'http://127.0.0.1:9090', bearerEnv: NO_BEARER, headersEnv: {X-Key: NO_KEY},"
        " tls: {caFile: /nowhere/ca}}"
    )
    with pytest.raises(SpecInvalid) as caught:
        refuse_missing(loads(written(prometheus=where), name="f"), "f")
    said = [str(p).removeprefix("f:").partition("; ")[0] for p in caught.value.problems]
    assert [s.partition(": ")[2] for s in said] == [m.partition(": ")[2] for m in MISSING]
    assert all(s.startswith("9:") for s in said)


@pytest.mark.parametrize("command", [("run",), ("run", "--dry-run"), ("plan",)], ids=" ".join)
def test_a_run_is_refused_before_anything_is_touched(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(
        written(prometheus="{url: 'http://127.0.0.1:9090', basicUser: u, basicPasswordEnv: NO_PW}")
    )
    done = subprocess.run(
        [sys.executable, "-m", "chaosmem", *command, spec],
        cwd=tmp_path,
        env={k: v for k, v in os.environ.items() if k != "NO_PW"},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 6
    assert done.stderr.startswith(f"{spec}:9:")
    assert "prometheus.basicPasswordEnv: the variable NO_PW is not set" in done.stderr
    assert list(tmp_path.iterdir()) == [spec]
