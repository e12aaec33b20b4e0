"""Claims about reading: every problem at once, each at its exact place, with words that help."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from chaosmem import spec
from chaosmem.errors import Exit, SpecError

HEAD = """\
apiVersion: chaosmem/v1
kind: Experiment
metadata: {name: x}
"""
TARGET = "target: {process: {command: [./app]}}\n"
FAULTS = "faults: [{heap: {retain: 64MiB}}]\n"
CHECKS = "checks: [no-restart]\n"
WHOLE = HEAD + TARGET + FAULTS + CHECKS


def said(text: str) -> list[str]:
    """What is wrong with `text`, line by line, without the name of the file."""
    with pytest.raises(spec.SpecInvalid) as caught:
        spec.loads(text, name="f")
    return [line.removeprefix("f:") for line in str(caught.value).splitlines()]


def test_a_whole_spec_is_loaded_with_its_text_and_digest() -> None:
    loaded = spec.loads(WHOLE, name="f")
    assert loaded.experiment.metadata.name == "x"
    assert loaded.text == WHOLE
    assert loaded.sha256 == hashlib.sha256(WHOLE.encode()).hexdigest()
    assert loaded.warnings == ()


TEXT = {
    "empty": ("", "1:1: nothing is written here; `chaosmem init` writes a first spec"),
    "only-comments": (
        "# later\n",
        "1:1: nothing is written here; `chaosmem init` writes a first spec",
    ),
    "list": (
        "- a\n",
        "1:1: this is a list; a spec is a mapping that begins with `apiVersion: chaosmem/v1`",
    ),
    "scalar": (
        "hello\n",
        "1:1: this is a single value; a spec is a mapping that begins with"
        " `apiVersion: chaosmem/v1`",
    ),
    "two-documents": (
        "a: 1\n---\nb: 2\n",
        "2:1: a second document begins here; keep each experiment in a file of its own",
    ),
    "unclosed-bracket": (
        "a: [1,\n  2\nb: 3\n",
        "1:4: not YAML: while parsing a flow sequence, did not find expected ',' or ']';"
        ' close the bracket, and put text with { } [ ] , in "quotes"',
    ),
    "unclosed-quote": (
        "a: 'x\n",
        "1:4: not YAML: while scanning a quoted scalar, found unexpected end of stream;"
        " close the quote",
    ),
    "tab": (
        "a:\n\t- b\n",
        "2:1: not YAML: while scanning for the next token, found character that cannot start any"
        " token; indent with spaces, and put text that begins with @, ` or % in quotes",
    ),
    "placeholder-in-flow": (
        "a: [127.0.0.1:{port}]\n",
        "1:14: not YAML: while scanning a plain scalar, found unexpected ':';"
        ' put text with { } [ ] , : in "quotes"',
    ),
    "double-quoted-regex": (
        'a: "\\("\n',
        "1:5: not YAML: while parsing a quoted scalar, found unknown escape character;"
        " use 'single quotes' for regular expressions",
    ),
    "too-deep": ("[" * 100_000, "1:25: nested more than 24 deep"),
    "too-long": (
        "#" * 300_000,
        "1:1: more than 256 Ki characters; this is no spec",
    ),
    "recursive-alias": (
        "&a [*a]",
        "1:1: aliases expand without bound here; write the values out",
    ),
}


@pytest.mark.parametrize(("text", "line"), TEXT.values(), ids=TEXT)
def test_text_that_is_no_spec_is_one_problem(text: str, line: str) -> None:
    assert said(text) == [line]


def test_aliases_cannot_grow_without_bound() -> None:
    laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 9)
    )
    assert said(laughs) == ["1:34: aliases expand without bound here; write the values out"]


def test_an_alias_is_read_where_it_stays_small() -> None:
    text = WHOLE.replace("{retain: 64MiB}", "&h {retain: 64MiB}") + "arms: [&a {name: one}]\n"
    assert spec.loads(text, name="f").experiment.arms[0].name == "one"


def test_tags_and_merge_keys_are_refused() -> None:
    assert said(WHOLE + "seed: !!python/object:os.system 1\nlimits: {<<: {pods: 1}}\n") == [
        "7:7: seed: tags (tag:yaml.org,2002:python/object:os.system) are not read; leave it out",
        "8:10: limits: merge keys (<<) are not read; write the fields out",
    ]


def test_each_duplicate_key_names_the_place_of_the_first() -> None:
    assert said(WHOLE + "trials: 2\ntrials: 3\nphases: {hold: 5s, hold: 6s, hold: 7s}\n") == [
        "8:1: trials: duplicate key 'trials', first at 7:1;"
        " YAML would silently keep only one, so delete one",
        "9:20: phases.hold: duplicate key 'hold', first at 9:10;"
        " YAML would silently keep only one, so delete one",
        "9:30: phases.hold: duplicate key 'hold', first at 9:10;"
        " YAML would silently keep only one, so delete one",
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
    text = HEAD + TARGET + FAULTS + f"checks:\n  {form}\n"
    assert [c.kind for c in spec.loads(text, name="f").experiment.checks] == ["no-restart"]


ALL_AT_ONCE = """\
apiVersion: chaosmem/v2
kind: Experimint
metadata: {name: Cart Heap, labls: {}}
preset: quik
target:
  process:
    go: {modul: builtin:demo}
    port: 0
  pprof: {port: x}
phases: {hold: 5, recovery: 3s}
faults:
  - heap: {retain: 80m, churn: 40MB/s}
  - heep: {}
  - goroutines: {state: bloked}
  - load: {rate: 10, mix: [{path: foo, weight: 0}]}
  - goroutines:
    count: 5
checks:
  - goroutine_recovery
  - goroutine-recovery: {min_samples: 5, band: {mdd: 3}}
  - top-allocations: {contains: "foo(", at: hold.ende}
gaurds: []
trials: many
limits:
"""


def test_everything_that_is_wrong_is_said_at_once_in_order() -> None:
    assert said(ALL_AT_ONCE) == [
        "1:13: apiVersion: 'chaosmem/v2' is not known here; did you mean chaosmem/v1?",
        "2:7: kind: 'Experimint' is not known here; did you mean Experiment?",
        "3:18: metadata.name: 'Cart Heap': a name is lower-case letters, digits and hyphens;"
        " write for example cart-heap",
        "3:29: metadata.labls: unknown field 'labls'; did you mean labels?",
        "4:9: preset: unknown preset 'quik'; did you mean quick?",
        "7:10: target.process.go.modul: unknown field 'modul'; did you mean module?",
        "8:11: target.process.port: 0 is no port; write a number 1 to 65535, or auto",
        "9:17: target.pprof.port: must be a whole number, not 'x'",
        "10:16: phases.hold: 5 has no unit; write 5s",
        "10:19: phases.recovery: unknown field 'recovery'; did you mean recover?",
        "12:20: faults[0].heap.retain: '80m' is 80 thousandths of a byte (Kubernetes reads `m` as"
        " milli); write 80MiB or 80Mi",
        "12:32: faults[0].heap.churn: '40MB' is ambiguous: MB is no unit of Go (in GOMEMLIMIT it is"
        " fatal) nor of Kubernetes; write 40MiB (powers of 1024) or 40M (powers of 1000)",
        "13:5: faults[1].heep: unknown fault 'heep'; did you mean heap?",
        "14:17: faults[2].goroutines.count: `count` is missing; add for example count: 2000",
        "14:25: faults[2].goroutines.state: 'bloked' is not known here; did you mean blocked?",
        "15:18: faults[3].load.rate: 10 has no unit; write 10/s",
        "15:35: faults[3].load.mix[0].path: 'foo' is no path of a URL; write for example /foo",
        "15:48: faults[3].load.mix[0].weight: 0 must be at least 1",
        "16:5: faults[4]: count must be indented below goroutines: - goroutines: {count: …}",
        "19:5: checks[0].goroutine_recovery: unknown check 'goroutine_recovery';"
        " did you mean goroutine-recovery?",
        "20:26: checks[1].goroutine-recovery.min_samples: unknown field 'min_samples';"
        " did you mean minSamples?",
        "20:49: checks[1].goroutine-recovery.band.mdd: unknown field 'mdd'; did you mean mad?",
        "21:33: checks[2].top-allocations.contains: 'foo(' is no regular expression (missing ),"
        " unterminated subpattern at position 3); escape . * ( ) with a backslash",
        "21:45: checks[2].top-allocations.at: 'hold.ende' is no moment of a trial; write"
        " phase.start, phase.end or phase+2s, where phase is one of warmup, baseline, inject, hold,"
        " release, recover",
        "22:1: gaurds: unknown section 'gaurds'; did you mean guards?",
        "23:9: trials: must be a whole number, not 'many'",
        "24:1: limits: nothing is written here; delete the key, or give it a value",
    ]


def test_what_is_missing_is_said_with_an_example() -> None:
    assert said("seed: 1\n") == [
        "1:1: `apiVersion` is missing; add apiVersion: chaosmem/v1",
        "1:1: `faults` is missing; add for example faults: [heap: {retain: 64MiB}],"
        " or faults: [] to measure the steady state only",
        "1:1: `kind` is missing; add kind: Experiment",
        "1:1: `metadata` is missing; add for example metadata: {name: cart-memory}",
        "1:1: `target` is missing; add for example target: {process: {go: {module: .}}}",
        "1:1: warning: no checks: the verdict can only be inconclusive;"
        " add checks, or preset: quick",
    ]


SHAPES = {
    "faults-no-list": (
        "faults: {heap: {retain: 64MiB}}\n",
        "5:9: faults: must be a list; write each fault on a line of its own, after `- `",
    ),
    "two-in-one-entry": (
        "faults: [{heap: {retain: 64MiB}, goroutines: {count: 5}}]\n",
        "5:10: faults[0]: one fault an entry, each after its own `- ` (here: heap, goroutines)",
    ),
    "kind-in-body": (
        "faults: [{heap: {kind: heap, retain: 64MiB}}]\n",
        "5:18: faults[0].heap.kind: `kind` is already said by the key heap; delete it",
    ),
    "kind-as-key": (
        "faults: [{kind: heap, retain: 64MiB}]\n",
        "5:10: faults[0]: one fault an entry, each after its own `- ` (here: kind, retain)",
    ),
    "number-entry": (
        "faults: [5]\n",
        "5:10: faults[0]: a fault is written - heap: {…};"
        " known: heap, goroutines, runtime, load, memory",
    ),
    "body-no-mapping": (
        "faults: [{heap: 64MiB}]\n",
        "5:17: faults[0].heap: must be a mapping of fields, written {key: value}, not '64MiB'",
    ),
    "empty-heap": (
        "faults: [heap]\n",
        "5:10: faults[0].heap: a heap fault needs `retain` (for example 64MiB) or `churn`"
        " (for example 20MiB/s)",
    ),
    "number-for-text": (
        "faults: [{heap: {retain: 64MiB, at: 5}}]\n",
        '5:37: faults[0].heap.at: must be text; put it in quotes: "5"',
    ),
    "not-consecutive": (
        "faults: [{heap: {retain: 64MiB, during: [inject, release]}}]\n",
        "5:41: faults[0].heap.during: phases must follow each other without a gap"
        " (here: inject, release); their order is warmup, baseline, inject, hold, release, recover",
    ),
    "unknown-phase": (
        "faults: [{heap: {retain: 64MiB, during: [inject, holding]}}]\n",
        "5:50: faults[0].heap.during[1]: 'holding' is not known here; did you mean hold?",
    ),
    "gogc": (
        "faults: [{runtime: {gogc: none}}]\n",
        "5:27: faults[0].runtime.gogc: 'none' is no GOGC; write a percentage 1 to 100000, or off",
    ),
    "gomemlimit": (
        "faults: [{runtime: {gomemlimit: 80m}}]\n",
        "5:33: faults[0].runtime.gomemlimit: '80m' is 80 thousandths of a byte (Kubernetes reads"
        " `m` as milli); write 80MiB or 80Mi; or off",
    ),
    "empty-mix": (
        "faults: [{load: {rate: 5/s, mix: []}}]\n",
        "5:34: faults[0].load.mix: a load needs at least one request; write for example"
        " [{path: /healthz}]",
    ),
    "level-without-unit": (
        "faults: [{memory: {via: helper, level: 80}}]\n",
        "5:40: faults[0].memory.level: 80 has no unit; write 80% of the limit, or 80MiB",
    ),
    "level-amount-of-limit": (
        "faults: [{memory: {via: helper, level: 600MiB}}]\n",
        "5:19: faults[0].memory: level: 600MiB is an amount; add of: absolute, or write a share",
    ),
    "level-share-of-absolute": (
        "faults: [{memory: {via: helper, level: 80%, of: absolute}}]\n",
        "5:19: faults[0].memory: level: 80% is a share; write of: limit, or an amount",
    ),
}


@pytest.mark.parametrize(("faults", "line"), SHAPES.values(), ids=SHAPES)
def test_a_fault_that_is_wrong_has_its_own_message(faults: str, line: str) -> None:
    assert line in said(HEAD + TARGET + faults + CHECKS)


TARGETS = {
    "both": (
        "{process: {command: [a]}, endpoint: {url: 'http://h'}}",
        "4:9: target: give exactly one of `process`, `endpoint` and `kubernetes`"
        " (here: process and endpoint)",
    ),
    "none": (
        "{agent: null}",
        "4:9: target: give exactly one of `process`, `endpoint` and `kubernetes` (here: none)",
    ),
    "neither-go-nor-command": (
        "{process: {args: [a]}}",
        "4:19: target.process: give exactly one of `go` (build from source) and `command`"
        " (run as it is)",
    ),
    "password-in-url": (
        "{endpoint: {url: 'http://me:pw@h'}}",
        "4:26: target.endpoint.url: must not hold a user or password, because a spec is kept with"
        " every run",
    ),
    "no-scheme": (
        "{endpoint: {url: 'h:80'}}",
        "4:26: target.endpoint.url: 'h:80' is no address; write for example http://127.0.0.1:8080",
    ),
    "empty-selector": (
        "{kubernetes: {namespace: shop, selector: {}}}",
        "4:50: target.kubernetes.selector: an empty selector selects every pod;"
        " write for example {app: cart}",
    ),
    "fixed-without-value": (
        "{kubernetes: {namespace: shop, selector: {a: b}, mode: fixed}}",
        "4:22: target.kubernetes: mode: fixed needs `value`, for example value: 2",
    ),
    "value-without-need": (
        "{kubernetes: {namespace: shop, selector: {a: b}, value: 3}}",
        "4:22: target.kubernetes: `value` has no meaning with mode: one; leave it out",
    ),
    "too-many-percent": (
        "{kubernetes: {namespace: shop, selector: {a: b}, mode: percent, value: 300}}",
        "4:22: target.kubernetes: value: 300 percent is more than all; write at most 100",
    ),
    "token-name": (
        "{process: {command: [a]}, agent: {tokenEnv: 's3cr3t-value'}}",
        "4:53: target.agent.tokenEnv: must be the name of an environment variable,"
        " for example CHAOSMEM_AGENT_TOKEN",
    ),
}


@pytest.mark.parametrize(("target", "line"), TARGETS.values(), ids=TARGETS)
def test_a_target_that_is_wrong_has_its_own_message(target: str, line: str) -> None:
    assert line in said(HEAD + f"target: {target}\n" + FAULTS + CHECKS)


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


def test_a_file_is_named_as_it_was_given(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("- a")
    with pytest.raises(spec.SpecInvalid) as caught:
        spec.load(file)
    assert str(caught.value).startswith(f"{file}:1:1: ")
    assert caught.value.exit_code is Exit.SPEC_INVALID
