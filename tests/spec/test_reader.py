"""Claims about reading: every problem at once, each at its exact place, with words that help."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from chaosmem import spec
from chaosmem.errors import Exit, SpecError
from tests.spec.build import CASES, Case, said, table, written

WHOLE = written()


def test_a_whole_spec_is_loaded_with_its_text_and_digest() -> None:
    loaded = spec.loads(WHOLE, name="f")
    assert loaded.experiment.metadata.name == "x"
    assert loaded.text == WHOLE
    assert loaded.sha256 == hashlib.sha256(WHOLE.encode()).hexdigest()
    assert loaded.warnings == ()


@pytest.mark.parametrize("case", table("text").values(), ids=table("text"))
def test_text_that_is_no_spec_is_one_problem(case: Case) -> None:
    assert said(case.changes["text"]) == list(case.says)


def test_hostile_sizes_are_refused_before_they_cost() -> None:
    at = "1:25", "1:1001"  # our bound, or libyaml's own (PyYAML 6.0.4) where it looks ahead
    assert said("[" * 100_000)[0] in [f"{place}: nested more than 24 deep" for place in at]
    assert said("[" * 100) == ["1:25: nested more than 24 deep"]
    assert said("#" * 300_000) == ["1:1: more than 256 Ki characters; this is no spec"]


def test_aliases_cannot_grow_without_bound() -> None:
    laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 9)
    )
    assert said(laughs) == ["1:34: aliases expand without bound here; write the values out"]


def test_an_alias_is_read_where_it_stays_small() -> None:
    text = written(captures="&c [{profile: heap, at: hold.end}]", arms="[&a {name: one}]")
    text += "metadata2: *c\n"
    assert said(text) == ["10:1: metadata2: unknown section 'metadata2'; did you mean metadata?"]


def test_tags_and_merge_keys_are_refused() -> None:
    assert said(WHOLE + "seed: !!python/object:os.system 1\nlimits: {<<: {pods: 1}}\n") == [
        "9:7: seed: tags (tag:yaml.org,2002:python/object:os.system) are not read; leave it out",
        "10:10: limits: merge keys (<<) are not read; write the fields out",
    ]


def test_each_duplicate_key_names_the_place_of_the_first() -> None:
    kept = "YAML would silently keep only one, so delete one"
    assert said(WHOLE + "trials: 2\ntrials: 3\nlimits: {pods: 1, pods: 2, pods: 3}\n") == [
        f"10:1: trials: duplicate key 'trials', first at 9:1; {kept}",
        f"11:19: limits.pods: duplicate key 'pods', first at 11:10; {kept}",
        f"11:28: limits.pods: duplicate key 'pods', first at 11:10; {kept}",
    ]


def test_words_of_yaml_1_1_stay_words() -> None:
    text = WHOLE + "arms: [{name: a, gogc: off, env: {PORT: 0080, YES: yes, N: 1.10}}]\n"
    arm = spec.loads(text, name="f").experiment.arms[0]
    assert arm.gogc == "off"
    assert arm.env == {"PORT": "0080", "YES": "yes", "N": "1.10"}


def test_arguments_keep_their_text() -> None:
    text = WHOLE.replace("[./app]", "[./app, -n, 5, -f, 1.0, -v, true]")
    process = spec.loads(text, name="f").experiment.target.process
    assert process is not None
    assert process.command == ("./app", "-n", "5", "-f", "1.0", "-v", "true")


FORMS = {
    "bare": "- no-restart",
    "colon": "- no-restart:",
    "empty-mapping": "- no-restart: {}",
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_check_without_options_has_three_forms(form: str) -> None:
    text = written(checks=f"\n  {form}")
    assert [c.kind for c in spec.loads(text, name="f").experiment.checks] == ["no-restart"]


def test_everything_that_is_wrong_is_said_at_once_in_order() -> None:
    text, lines = (CASES / "all-at-once.txt").read_text("utf-8").split("---\n")
    assert said(text) == lines.splitlines()


def test_what_is_missing_is_said_with_an_example() -> None:
    assert said("seed: 1\n") == [
        "1:1: `apiVersion` is missing; add apiVersion: chaosmem/v1",
        (
            "1:1: `faults` is missing; add for example faults: [heap: {retain: 64MiB}],"
            " or faults: [] to measure the steady state only"
        ),
        "1:1: `kind` is missing; add kind: Experiment",
        "1:1: `metadata` is missing; add for example metadata: {name: cart-memory}",
        "1:1: `target` is missing; add for example target: {process: {go: {module: .}}}",
        (
            "1:1: warning: no checks: the verdict can only be inconclusive;"
            " add checks, or preset: quick"
        ),
    ]


@pytest.mark.parametrize("case", table("fields").values(), ids=table("fields"))
def test_a_field_that_is_wrong_has_its_own_message(case: Case) -> None:
    assert said(written(**case.changes)) == list(case.says)


def test_columns_count_characters_not_bytes() -> None:
    assert said(WHOLE.replace("{name: x}", "{description: 'Größe µ', nam: x, name: x}")) == [
        "3:36: metadata.nam: unknown field 'nam'; did you mean name?"
    ]


def test_a_missing_file_is_an_error_with_a_way_on(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="no such file") as caught:
        spec.load(tmp_path / "none.yaml")
    assert caught.value.exit_code is Exit.SPEC_INVALID
    assert caught.value.hint == "`chaosmem init` writes a first spec"


def test_a_directory_is_no_spec(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="is a directory"):
        spec.load(tmp_path)


def test_text_that_is_not_utf_8_names_the_line(tmp_path: Path) -> None:
    file = tmp_path / "latin.yaml"
    file.write_bytes(b"a: 1\nb: \xe4\n")
    with pytest.raises(SpecError, match=r"latin.yaml:2: not UTF-8 text \(byte 8\)"):
        spec.load(file)


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "huge.yaml"
    with file.open("wb") as out:
        out.truncate(2**40)  # sparse
    with pytest.raises(SpecError, match="larger than 1 MiB"):
        spec.load(file)


def test_a_device_that_never_ends_is_not_read_to_its_end() -> None:
    with pytest.raises(SpecError, match="larger than 1 MiB"):
        spec.load("/dev/zero")


def test_a_file_is_named_as_it_was_given(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("- a")
    with pytest.raises(spec.SpecInvalid) as caught:
        spec.load(file)
    assert str(caught.value).startswith(f"{file}:1:1: ")
    assert caught.value.exit_code is Exit.SPEC_INVALID
