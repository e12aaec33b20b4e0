"""Claims about what is asked of Kubernetes, and what a pod's end means to the Job. Pure."""

from __future__ import annotations

import base64
import http.client
import json
import threading
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from chaosmem.campaign import directory
from chaosmem.campaign.cluster import objects, pod, share
from chaosmem.campaign.cluster.jobstate import Progress, progress, words
from chaosmem.campaign.cluster.packed import Packed, from_directory, pack, unpack
from chaosmem.campaign.events import AttemptEnded, AttemptPlanned, How
from chaosmem.campaign.model import Cell, Prepared
from chaosmem.campaign.state import Standing
from chaosmem.spec.campaign import Campaign, CampaignLimits, InCluster
from chaosmem.spec.model import Metadata


def prepared(cells: int = 3, weight: int = 1, **sections: object) -> Prepared:
    declared = Campaign.model_validate(
        {"metadata": Metadata(name="m"), "experiments": ("x.yaml",), **sections}, by_name=True
    )
    made = tuple(
        Cell(
            index=n, name=f"c{n}", axes={}, experiment="x", lock="", weight=weight, seconds=1.0,
            base=".",
        )
        for n in range(cells)
    )  # fmt: skip
    return Prepared(
        campaign=declared, id="20260101T000000Z-abcdef", sha256="", chaosmem="1", cells=made
    )


def test_the_job_has_an_index_a_cell_and_is_no_wider_than_the_limits() -> None:
    wide = prepared(9, weight=3, parallelism=8, limits=CampaignLimits(targets=7))
    spec = objects.job(wide, "j", 9)["spec"]
    assert (spec["completionMode"], spec["completions"], spec["parallelism"]) == ("Indexed", 9, 2)
    assert spec["podReplacementPolicy"] == "Failed"
    assert "activeDeadlineSeconds" not in spec
    assert objects.job(prepared(deadline=90.0), "j", 3)["spec"]["activeDeadlineSeconds"] == 90


def test_the_pods_fit_pod_security_restricted() -> None:
    template = objects.job(prepared(), "j", 3)["spec"]["template"]["spec"]
    for spec in (template, objects.gather_pod(prepared(), 60)["spec"]):
        assert spec["securityContext"]["runAsNonRoot"]
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in spec["containers"]:
            security = container["securityContext"]
            assert not security["allowPrivilegeEscalation"]
            assert security["readOnlyRootFilesystem"]
            assert security["capabilities"] == {"drop": ["ALL"]}
        assert not [v for v in spec["volumes"] if "hostPath" in v]


def test_a_disruption_is_not_counted_and_comes_before_every_code() -> None:
    rules = objects.failure_rules(prepared(stop_on=("fail", "undo-incomplete")))
    assert [r["action"] for r in rules] == ["Ignore", "FailJob", "FailIndex"]
    assert rules[1]["onExitCodes"]["values"] == [1, 5]
    assert rules[2]["onExitCodes"]["values"] == [2, 6]


def test_a_campaign_that_stops_on_nothing_has_no_rule_that_ends_the_job() -> None:
    rules = objects.failure_rules(prepared(stop_on=()))
    assert [r["action"] for r in rules] == ["Ignore", "FailIndex"]


def test_a_second_job_of_a_campaign_has_a_name_of_its_own() -> None:
    first, second = (objects.job_name(prepared(), n) for n in (1, 2))
    assert (first, second) == (
        "chaosmem-campaign-20260101t000000z-abcdef",
        "chaosmem-campaign-20260101t000000z-abcdef-2",
    )


# --- what a pod's end means

PLANNED = AttemptPlanned(t=0, attempt=1, run_id="r", experiment="x", host="h", pid=1)


def ended(how: How, code: int = 0, left: str = "", cuts: int = 0) -> Standing:
    entry = AttemptEnded(
        t=1, attempt=1, run_id="r", how=how, exit_code=code, outcome="PASS", says="", left=left
    )
    return Standing(PLANNED, entry, attempts=1, cuts=cuts)


ENDS = {
    "passed": (ended("finished"), 0),
    "failed, which stops nothing": (ended("finished", 1), 0),
    "inconclusive, which stops the campaign": (ended("finished", 3), 3),
    "not undone": (ended("cut", 5, "heap"), 5),
    "stopped by the node": (ended("stopped", 3), 143),
    "killed": (ended("cut", 3, cuts=1), 143),
    "killed as often as is allowed": (ended("cut", 3, cuts=3), 0),
    "without a word": (Standing(PLANNED, None, attempts=1), 143),
}


@pytest.mark.parametrize(("now", "code"), ENDS.values(), ids=ENDS)
def test_a_pods_exit_code(now: Standing, code: int) -> None:
    assert pod.exit_code(prepared(stop_on=("inconclusive", "undo-incomplete")), now) == code


def test_what_a_job_says_of_itself() -> None:
    body = {
        "spec": {"suspend": False},
        "status": {
            "active": 1,
            "succeeded": 2,
            "failedIndexes": "3",
            "conditions": [
                {"type": "FailureTarget", "status": "True", "reason": "FailedIndexes"},
                {"type": "Failed", "status": "True", "reason": "FailedIndexes", "message": "m"},
            ],
        },
    }
    assert progress(body) == Progress(1, 2, "3", False, "Failed", "FailedIndexes", "m")
    assert progress({}) == Progress(0, 0, "", False)


def test_the_last_words_of_a_pod_are_its_last_line() -> None:
    terminated = {"exitCode": 6, "message": "building\nchaosmem: no pod has app=x\n"}
    body = {"status": {"containerStatuses": [{"state": {"terminated": terminated}}]}}
    assert words(body) == "chaosmem: no pod has app=x"
    assert words({"status": {}}) == ""


# --- the packed campaign, and the files that are handed out


def made(base: Path) -> directory.CampaignDir:
    return directory.create(base, prepared(), "text: t\n", ["a: 1\n", "b: 2\n", "c: 3\n"])


def test_a_packed_campaign_reads_back_and_is_the_same_each_time(tmp_path: Path) -> None:
    packed = from_directory(made(tmp_path), (0, 2))
    assert unpack(base64.b64decode(pack(packed))) == packed
    assert pack(packed) == pack(packed)
    assert packed.experiments == ("a: 1\n", "b: 2\n", "c: 3\n")


def test_a_campaign_that_no_config_map_can_hold_is_refused() -> None:
    import secrets

    from chaosmem.errors import PlanRefused

    noise = tuple(secrets.token_hex(500_000) for _ in range(3))
    with pytest.raises(PlanRefused, match="over the 900000 that a ConfigMap can hold"):
        pack(Packed(prepared=prepared(), text="", experiments=noise, indices=(0, 1, 2)))


def test_files_are_handed_out_to_who_has_the_token_and_only_those_of_the_campaign(
    tmp_path: Path,
) -> None:
    home = made(tmp_path)
    (tmp_path / "secret").write_text("not of this campaign")
    server = ThreadingHTTPServer(("127.0.0.1", 0), share.handler(home, "t0ken"))
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def get(path: str, token: str) -> tuple[int, bytes]:
        client = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=30)
        client.request("GET", path, headers={share.HEADER: token})
        answer = client.getresponse()
        read = answer.status, answer.read()
        client.close()
        return read

    try:
        assert get("/files", "")[0] == get("/files", "other")[0] == 401
        status, listed = get("/files", "t0ken")
        names = [file["name"] for file in json.loads(listed)]
        stem = f"campaigns/m/{home.root.name}"
        assert f"{stem}/cells/001/experiment.yaml" in names
        assert status == 200
        assert get(f"/files/{stem}/cells/001/experiment.yaml", "t0ken") == (200, b"b: 2\n")
        for path in ("/files/secret", "/files/../secret", "/secret", "/files/"):
            assert get(path, "t0ken")[0] == 404
    finally:
        server.shutdown()
        server.server_close()


def test_the_clusters_section_has_defaults_for_everything() -> None:
    assert InCluster().storage.claim == "chaosmem-campaigns"
