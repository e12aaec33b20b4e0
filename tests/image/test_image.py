"""The built image: what is in it, what its bill of materials says, and how it runs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from chaosmem import __version__
from tests.cluster.api import Access, Cluster, wait_for
from tests.cluster.images import catalogue
from tests.image import build

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]
_PROGRAMS = re.compile(r"(^|/)(sh|bash|dash|busybox|apt|dpkg|pip3?|go|gofmt|kubectl|perl|ldd|su)$")
_SYSTEM = re.compile(r"^(usr/)?lib(64)?/")


@pytest.fixture(scope="module")
def built() -> build.Built:
    return build.runner()


@pytest.fixture(scope="module")
def names(built: build.Built) -> set[str]:
    return {m.name.removeprefix("./") for m in build.members(built.archive)}


@pytest.fixture(scope="module")
def components(built: build.Built) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(built.sbom.read_text())["components"]
    return found


def test_there_is_no_shell_no_package_manager_no_go_and_no_kubectl_in_it(
    built: build.Built, names: set[str]
) -> None:
    files = [m.name for m in build.members(built.archive) if not m.isdir()]
    assert [n for n in files if _PROGRAMS.search(n)] == []
    assert "opt/chaosmem/bin/python" in names


def test_nothing_in_it_is_set_uid_or_writable_by_everybody(built: build.Built) -> None:
    wrong = [
        m.name
        for m in build.members(built.archive)
        if not m.issym() and (m.mode & 0o6000 or (m.mode & 0o002 and m.name.strip("./") != "tmp"))
    ]
    assert wrong == []


def test_it_runs_as_nobody_and_carries_nothing_of_the_machine_it_was_built_on(
    built: build.Built, names: set[str]
) -> None:
    config = build.config(built.archive)
    assert config["User"] == "65532:65532"
    assert config["Entrypoint"] == ["/opt/chaosmem/bin/python", "-m", "chaosmem"]
    assert not [e for e in config["Env"] if "PIP" in e or "proxy" in e.lower()]
    assert not {"etc/pip.conf", "run/ca.crt", "root/.cache", "src"} & names


def test_the_bill_has_every_python_package_that_is_in_it(
    names: set[str], components: list[dict[str, Any]]
) -> None:
    infos = {m[1] for n in names if (m := re.search(r"site-packages/([^/]+)\.dist-info$", n))}
    told = {f"{c['name']}-{c['version']}" for c in components}

    def plain(text: str) -> str:
        return re.sub(r"[-_.]+", "-", text).lower()

    missing = (
        {plain(i) for i in infos}
        - {plain(t) for t in told}
        - {f"chaosmem-{__version__}".replace(".", "-")}
    )
    assert missing == set()
    assert len(infos) > 50


def test_the_bill_has_the_debian_package_of_every_library_of_the_system(
    built: build.Built, names: set[str], components: list[dict[str, Any]]
) -> None:
    told = {c["name"] for c in components if c["purl"].startswith("pkg:deb/")}
    assert {"libc6", "zlib1g"} < told
    assert any(name.startswith("libssl3") for name in told)
    stanzas = {n.rpartition("/")[2] for n in names if "dpkg/status.d/" in n}
    assert stanzas == told
    libraries = {n.rpartition("/")[2] for n in names if _SYSTEM.match(n) and ".so." in n}
    assert len(libraries) > 5
    text = build.read(built.archive, "var/lib/dpkg/status.d/libc6").decode()
    assert "Package: libc6\n" in text


def test_the_bill_beside_the_image_is_the_one_in_it(built: build.Built) -> None:
    assert built.sbom.read_bytes() == build.read(built.archive, build.SBOM)
    bill = json.loads(built.sbom.read_text())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert bill["metadata"]["component"]["name"] == "chaosmem"


def test_it_is_smaller_than_120_mb_packed(built: build.Built) -> None:
    import gzip

    packed = len(gzip.compress(built.archive.read_bytes(), compresslevel=1))
    assert packed < 120e6


# --- in a real container, in a pod that is `restricted`


@pytest.fixture(scope="module")
def restricted(cluster: Access) -> Iterator[tuple[Cluster, str]]:
    assert isinstance(cluster, Cluster), "the image is imported into a cluster of ours only"
    catalogue.bring_archive(cluster.instance, build.RUNNER, build.runner().archive)
    cluster.make_namespace("image-test", level="restricted")
    yield cluster, "image-test"
    cluster.drop_namespace("image-test")


def _said(where: tuple[Cluster, str], name: str, *args: str) -> str:
    cluster, namespace = where
    container = {
        "name": "chaosmem",
        "image": build.RUNNER,
        "imagePullPolicy": "Never",
        "args": list(args),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    spec = {"restartPolicy": "Never", "containers": [container]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
    cluster.apply(pod, namespace=namespace)

    def ended() -> bool:
        phase = cluster.get("pod", name, "-n", namespace)["status"]["phase"]
        return phase in ("Succeeded", "Failed")

    wait_for(ended, 120, f"pod {name} ended")
    log = cluster.kubectl("logs", name, "-n", namespace)
    assert cluster.get("pod", name, "-n", namespace)["status"]["phase"] == "Succeeded", log
    return log


def test_its_user_is_a_number_so_that_kubelet_can_tell_it_is_not_root(
    restricted: tuple[Cluster, str],
) -> None:
    said = _said(restricted, "version", "version", "--all")
    assert f"chaosmem     {__version__}\n" in said
    assert "no Go toolchain" in said


def test_it_brings_the_client_of_object_storage(restricted: tuple[Cluster, str]) -> None:
    said = _said(restricted, "archive", "archive", "list", "file:///tmp")
    assert said == ""
