"""The ready-made templates, executed as far as that goes without their CI."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dekobon_tree_sitter_groovy as groovy
import pytest
import tree_sitter
import yaml

from chaosmem.history.model import Run
from tests.gate.actions import Job
from tests.gate.lab import INERT, LEAK, SLOWER, Done, Lab, done, undisturbed

pytestmark = pytest.mark.timeout(600)
REPOSITORY = Path(__file__).parents[2]
GITLAB = REPOSITORY / "ci" / "gitlab" / "chaosmem.gitlab-ci.yml"
JENKINS = REPOSITORY / "ci" / "jenkins" / "Jenkinsfile"


@dataclass(frozen=True)
class Case:
    """How the service behaves, and what the gate must say of it."""

    env: dict[str, str]
    code: int
    answer: tuple[str, str]
    """Verdict, and what the baseline says (empty: there is none)."""


CASES = {
    "pass": Case({}, 0, ("PASS", "")),
    "fail": Case(LEAK, 1, ("FAIL", "")),
    "inconclusive": Case(INERT, 3, ("INCONCLUSIVE", "")),
    "regression": Case(SLOWER, 1, ("PASS", "FAIL")),
}
EACH = pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))


def _given(lab: Lab, healthy: Run, case: Case) -> Lab:
    if case.answer[1]:
        lab.approved(healthy)
    return lab


def _answer(lab: Lab) -> tuple[str, str]:
    found = lab.decision()
    return found["verdict"], found["regression"] or ""


def _checked(schema: str, text: str, where: Path) -> Done:
    """By the schema that the host publishes, as check-jsonschema carries it."""
    file = where / "template.yml"
    file.write_text(text)
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}"]
    return done([*command, file], where, {"PATH": os.environ["PATH"]})


def _as_job() -> str:
    """The hidden job under a name of its own: GitLab's schema does not look into hidden ones."""
    return GITLAB.read_text().replace("\n.chaosmem-gate:", "\nmemory-gate:")


def test_the_action_is_valid_by_githubs_published_schema(tmp_path: Path) -> None:
    text = (REPOSITORY / "action.yml").read_text()
    ran = _checked("github-actions", text, tmp_path)
    assert ran.code == 0, ran.said
    wrong = _checked("github-actions", text.replace("shell: bash", "shel: bash"), tmp_path)
    assert "'shel' was unexpected" in wrong.stdout


def test_the_gitlab_job_is_valid_by_gitlabs_published_schema(tmp_path: Path) -> None:
    ran = _checked("gitlab-ci", _as_job(), tmp_path)
    assert ran.code == 0, ran.said
    wrong = _checked("gitlab-ci", _as_job().replace("when: always", "when: ever"), tmp_path)
    assert "'ever' is not one of" in wrong.stdout


# --- GitHub


def _job(lab: Lab) -> Job:
    temp = lab.base.parent / "runner"
    temp.mkdir(exist_ok=True)
    github = {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(lab.base)}
    github |= {"RUNNER_TEMP": str(temp), "GITHUB_STEP_SUMMARY": str(temp / "summary.md")}
    return Job(REPOSITORY, lab.base, lab.env | github)


def _called(lab: Lab, case: Case) -> tuple[Job, Mapping[str, str]]:
    """The action in a fresh job, undisturbed; the job, and the action's outputs."""
    calls: list[tuple[Job, Mapping[str, str]]] = []

    def call() -> Done:
        job = _job(lab)
        job.env |= case.env
        calls.append((job, job.call(spec="spec.yaml", package="", sarif="true")))
        return Done(job.code, job.said, "")

    undisturbed(call, lambda done: done.code == case.code)
    return calls[-1]


@EACH
def test_the_actions_steps_give_the_gates_code_outputs_and_files(
    lab: Lab, healthy: Run, case: Case
) -> None:
    _given(lab, healthy, case)
    job, outputs = _called(lab, case)
    assert job.code == case.code, job.said
    assert outputs["exit-code"] == str(case.code)
    assert outputs["passed"] == str(case.code == 0).lower()
    assert (outputs["verdict"], outputs["regression"]) == case.answer
    artifact = lab.base / job.used["actions/upload-artifact@v4"]["path"]
    assert (artifact / "report.html").is_file()
    sarif = job.used["github/codeql-action/upload-sarif@v3"]["sarif_file"]
    assert (lab.base / sarif).is_file()
    assert Path(job.env["GITHUB_STEP_SUMMARY"]).read_text().startswith("# ")
    assert ("::error file=spec.yaml" in job.said) == (case.code != 0), job.said


def test_the_action_keeps_its_files_where_the_spec_is_wrong(lab: Lab) -> None:
    lab.spec("apiVersion: chaosmem/v1\n")
    job = _job(lab)
    outputs = job.call(spec="spec.yaml", package="")
    assert job.code == 6, job.said
    assert (outputs["passed"], outputs["verdict"]) == ("false", "")
    assert (lab.base / job.used["actions/upload-artifact@v4"]["path"] / "junit.xml").is_file()


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_the_action_installs_chaosmem_by_pip_and_runs_it(lab: Lab) -> None:
    job = _job(lab)
    job.env["PATH"] = "/usr/local/bin:/usr/bin:/bin"
    outputs = job.call(spec="spec.yaml", python=sys.executable)
    assert job.code == 0, job.said
    assert outputs["verdict"] == "PASS"
    assert (lab.base.parent / "runner" / "chaosmem" / "bin" / "chaosmem").is_file()


# --- GitLab


def _gitlab() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(GITLAB.read_text())[".chaosmem-gate"]
    return found


@EACH
def test_the_gitlab_jobs_script_gives_the_gates_code_and_its_report(
    lab: Lab, healthy: Run, case: Case
) -> None:
    _given(lab, healthy, case)
    job = _gitlab()
    own = job["variables"] | {"CHAOSMEM_SPEC": "spec.yaml", "CHAOSMEM_PACKAGE": ""}
    # one shell for both parts, which ends at the first line that fails: as a GitLab runner has it
    script = "\n".join([*job["before_script"], *job["script"]])
    env = lab.env | own | case.env
    command = ["sh", "-e", "-c", script]
    ran = undisturbed(lambda: done(command, lab.base, env), lambda ran: ran.code == case.code)
    assert ran.code == case.code, ran.said
    assert _answer(lab) == case.answer
    assert (lab.base / job["artifacts"]["reports"]["junit"]).is_file()
    assert (lab.base / job["artifacts"]["paths"][0] / "report.html").is_file()


def test_no_template_tries_again_until_it_is_green() -> None:
    assert _gitlab()["retry"] == 0
    for text in (JENKINS.read_text(), (REPOSITORY / "action.yml").read_text()):
        assert "retry" not in text


# --- Jenkins


def _jenkins() -> tree_sitter.Node:
    language = tree_sitter.Language(groovy.language())
    return tree_sitter.Parser(language).parse(JENKINS.read_bytes()).root_node


def test_the_jenkinsfile_is_groovy_and_has_the_sections_of_a_declarative_pipeline() -> None:
    assert not _jenkins().has_error
    text = JENKINS.read_text()
    for section in ("pipeline {", "agent any", "stages {", "steps {", "post {", "always {"):
        assert section in text


def test_the_parser_would_notice_a_broken_jenkinsfile() -> None:
    language = tree_sitter.Language(groovy.language())
    broken = JENKINS.read_bytes().replace(b"stage('Memory gate') {", b"stage('Memory gate' {")
    assert tree_sitter.Parser(language).parse(broken).root_node.has_error


def _scripts() -> list[str]:
    """The texts between `sh '''` and `'''`, in order."""
    return [part.partition("'''")[0] for part in JENKINS.read_text().split("sh '''")[1:]]


def _jenkins_runs(lab: Lab, env: dict[str, str]) -> Done:
    """Jenkins runs each `sh` step by `sh -xe`, with parameters in the environment."""
    own = {
        "CHAOSMEM_SPEC": "spec.yaml",
        "CHAOSMEM_FAIL_ON": "fail,inconclusive,regression",
        "CHAOSMEM_BASELINE": "optional",
        "CHAOSMEM_TRIALS": "",
    }
    return done(["sh", "-xe", "-c", _scripts()[1]], lab.base, lab.env | own | env)


@EACH
def test_the_jenkins_stage_gives_the_gates_code_and_its_report(
    lab: Lab, healthy: Run, case: Case
) -> None:
    _given(lab, healthy, case)
    ran = undisturbed(lambda: _jenkins_runs(lab, case.env), lambda ran: ran.code == case.code)
    assert ran.code == case.code, ran.said
    assert _answer(lab) == case.answer
    assert (lab.base / "chaosmem-gate" / "junit.xml").is_file()


# --- pre-commit


def _repository(lab: Lab) -> Path:
    base = lab.base
    config = {
        "repos": [{"repo": str(REPOSITORY), "rev": _head(), "hooks": [{"id": "chaosmem-validate"}]}]
    }
    (base / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    (base / "experiments").mkdir()
    (base / "experiments" / "cart.yaml").write_text((base / "spec.yaml").read_text())
    for command in (["init", "-q"], ["add", "experiments", ".pre-commit-config.yaml"]):
        subprocess.run(["git", *command], cwd=base, check=True)
    return base


def _head() -> str:
    command = ["git", "-C", str(REPOSITORY), "rev-parse", "HEAD"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _hooks(lab: Lab) -> Done:
    env = lab.env | {"PRE_COMMIT_HOME": str(lab.base.parent / "pre-commit")}
    return done([sys.executable, "-m", "pre_commit", "run", "--all-files"], lab.base, env, 900)


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_pre_commit_installs_the_hook_and_refuses_a_wrong_spec_by_its_lines(lab: Lab) -> None:
    base = _repository(lab)
    well = _hooks(lab)
    assert well.code == 0, well.said
    assert "Passed" in well.stdout
    spec = base / "experiments" / "cart.yaml"
    spec.write_text(spec.read_text().replace("count: 300", "count: many"))
    ill = _hooks(lab)
    assert ill.code == 1, ill.said
    assert "experiments/cart.yaml:11:25: faults[0].goroutines.count" in ill.stdout
