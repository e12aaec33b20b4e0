"""Claims about the declaration: secrets are named, never written, and all there before a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from chaosmem import spec
from chaosmem.cli.secrets import refuse_missing
from chaosmem.errors import SpecError
from chaosmem.spec.errors import SpecInvalid
from chaosmem.spec.notifyfile import load_channels
from tests.spec.build import loaded, said, written

SECRET = "https://hooks.example.com/services/T0KEN"
LITERAL = "a secret written here would be kept with every run; write {env: NAME} or {file: PATH}"


def _line(notify: str) -> list[str]:
    return said(written(notify=notify))


def test_all_five_channels_are_read() -> None:
    notify = (
        "[{slack: {url: {env: A}}}, {webhook: {url: {file: f}, secretHeaders: {X-Key: {env: B}}}},"
        " {email: {server: h, from: a@b.c, to: d@e.f}}, {apprise: {url: {env: D}}},"
        " {jira: {url: 'http://j/', token: {env: C}, project: P, on: fail}}]"
    )
    read = loaded(written(notify=notify)).notify
    assert [c.kind for c in read] == ["slack", "webhook", "email", "apprise", "jira"]
    assert read[0].on == ("fail", "inconclusive", "aborted", "undo-incomplete", "guard")
    assert (read[4].on, read[4].timeout) == (("fail",), 10.0)


@pytest.mark.parametrize(
    ("notify", "place"),
    [
        (f"[{{slack: {{url: '{SECRET}'}}}}]", "9:24: notify[0].slack.url"),
        (
            f"[{{webhook: {{url: {{env: A}}, secretHeaders: {{X: '{SECRET}'}}}}}}]",
            "9:55: notify[0].webhook.secretHeaders.X",
        ),
        (
            f"[{{jira: {{url: 'http://h', token: '{SECRET}', project: P}}}}]",
            "9:42: notify[0].jira.token",
        ),
        (
            f"[{{email: {{server: h, from: a@b.c, to: a@b.c, user: u, password: '{SECRET}'}}}}]",
            "9:73: notify[0].email.password",
        ),
        (f"[{{apprise: {{url: '{SECRET}'}}}}]", "9:26: notify[0].apprise.url"),
    ],
    ids=["slack", "webhook", "jira", "email", "apprise"],
)
def test_a_literal_secret_is_refused_at_its_place_and_not_repeated(notify: str, place: str) -> None:
    assert _line(notify) == [f"{place}: {LITERAL}"]


WRONG = yaml.safe_load((Path(__file__).parent / "wrong.yaml").read_text("utf-8"))


@pytest.mark.parametrize("case", WRONG, ids=[case["notify"] for case in WRONG])
def test_a_wrong_channel_has_its_own_message(case: dict[str, str]) -> None:
    assert _line(case["notify"]) == [case["says"]]


MISSING = """
/all.yaml:2:24: notify[0].webhook.url.env: the variable NO_HOOK is not set
f:9:48: prometheus.bearerFile: cannot read the secret in /nowhere/token: No such file or directory
f:9:84: prometheus.headersEnv.X-Key: the variable NO_KEY is not set
f:10:30: notify[0].slack.url.env: the variable NO_SLACK is not set
""".strip().splitlines()
SPEC = written(
    prometheus="{url: 'http://h:9090', bearerFile: /nowhere/token, headersEnv: {X-Key: NO_KEY}}",
    notify="[{slack: {url: {env: NO_SLACK}}}, {slack: {url: {env: BAD_SLACK}}}]",
)


def test_every_secret_that_is_not_there_is_said_at_once_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BAD_SLACK", "T0KEN")
    machine = tmp_path / "all.yaml"
    machine.write_text("notify:\n- webhook: {url: {env: NO_HOOK}}\n")
    with pytest.raises(SpecInvalid) as caught:
        refuse_missing(spec.loads(SPEC, name="f"), "f", machine)
    said = str(caught.value).replace(str(tmp_path), "").splitlines()
    assert [line.partition("; ")[0] for line in said] == MISSING


def test_a_secret_of_no_use_is_said_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAD_SLACK", "T0KEN")
    text = written(notify="[{slack: {url: {env: BAD_SLACK}}}]")
    with pytest.raises(SpecInvalid) as caught:
        refuse_missing(spec.loads(text, name="f"), "f")
    assert str(caught.value) == (
        "f:9:18: notify[0].slack: what is in BAD_SLACK is no URL; it begins with https://"
    )


def test_an_empty_file_is_no_secret(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    text = written(notify=f"[{{slack: {{url: {{file: {tmp_path / 'empty'}}}}}}}]")
    with pytest.raises(SpecInvalid, match="it is empty"):
        refuse_missing(spec.loads(text, name="f"), "f")


def test_a_spec_without_channels_needs_nothing() -> None:
    assert refuse_missing(spec.loads(written(), name="f"), "f") == ()


def test_the_machines_file_has_notify_alone(tmp_path: Path) -> None:
    file = tmp_path / "all.yaml"
    for text, says in {
        "notify:\n- slack: {url: {env: A}}\ntrials: 3\n": "3:1: trials: unknown section 'trials'",
        "{}": "1:1: `notify` is missing",
        "notify: {slack: {}}": "1:9: notify: must be a list; write each channel",
        "- slack": "1:1: this is a list",
    }.items():
        file.write_text(text)
        with pytest.raises(SpecInvalid) as caught:
            load_channels(file)
        assert f"{file}:{says}" in str(caught.value)
    with pytest.raises(SpecError, match="No such file"):
        load_channels(tmp_path / "none.yaml")


def test_the_secrets_value_is_in_no_dump(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_URL", SECRET)
    text = written(notify="[{slack: {url: {env: SLACK_URL}}}]")
    ready = refuse_missing(spec.loads(text, name="f"), "f")
    assert ready[0].name == "slack at hooks.example.com"
    assert "T0KEN" not in repr(ready)
    kept = json.loads(loaded(text).model_dump_json())["notify"]
    assert kept[0]["url"] == {"env": "SLACK_URL", "file": None}
