"""What every fault plugin must hold."""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from chaosmem import plugins, rundir, spec
from chaosmem.plan.words import describe
from chaosmem.rundir import layout
from chaosmem.rundir.events import FinishByPlugin, UndoPlanned
from chaosmem.rundir.journal import decode
from chaosmem.testing.stand import Demo, experiment, run, sample, standing
from chaosmem.verify import Outcome
from chaosmem.verify.proofs import prove
from chaosmem.verify.ruling import Undecided

_WITHIN = 60.0


class FaultContract(ABC):
    """Subclass it as `TestMyFault`.

    Attributes:
        kind: as specs write it.
        body: what stands below it in a spec.
    """

    kind: ClassVar[str]
    body: ClassVar[dict[str, Any]] = {}

    @abstractmethod
    def acting(self, demo: Demo) -> bool:
        """Whether the fault is in effect now, asked of the system itself, not of the plugin."""

    def _fault(self) -> dict[str, Any]:
        return {self.kind: self.body}

    def test_its_entry_point_is_usable(self) -> None:
        """`chaosmem version --all` shows it."""
        said = {e.name: e.problem for e in plugins.entries("chaosmem.faults")}
        assert said.get(self.kind) == ""

    def test_an_unknown_field_is_refused_with_its_place(self) -> None:
        """By line, column and path."""
        with standing() as demo:
            wrong = {self.kind: {**self.body, "noSuchField": 1}}
            text = experiment(demo, faults=[wrong])
        try:
            spec.loads(text, name="spec.yaml")
        except spec.SpecInvalid as refused:
            assert "noSuchField" in str(refused)
            assert "spec.yaml:1:" in str(refused)
        else:
            raise AssertionError("an unknown field was accepted")

    def test_editors_know_its_fields(self) -> None:
        """They are in the JSON Schema, each with a description (its attribute docstring)."""
        schema = json.loads(json.dumps(spec.json_schema()))
        items = schema["properties"]["faults"]["items"]
        reference = items["properties"][self.kind]["$ref"].rpartition("/")[2]
        for name, field in schema["$defs"][reference]["properties"].items():
            assert field.get("description"), f"{name} has no docstring below it"

    def test_the_plan_has_words_for_it(self) -> None:
        """What it does, how it is proven, how it is undone."""
        with standing() as demo:
            loaded = spec.loads(experiment(demo, faults=[self._fault()]), name="spec.yaml")
        assert all(describe(loaded.experiment.faults[0]))

    def test_a_run_applies_proves_and_undoes_it(self, tmp_path: Path) -> None:
        """The verdict rests on the proof, and nothing is left."""
        with standing() as demo:
            assert not self.acting(demo)
            ran = run(demo, tmp_path, faults=[self._fault()])
            assert not self.acting(demo), "it is still in effect after the run"
        seen, verdict = ran.judged()
        assert verdict.outcome is Outcome.PASS, f"{verdict.says}\n{ran.said}"
        assert all(undo.done for undo in seen.undo)

    def test_its_undo_is_promised_in_text_before_it_acts(self, tmp_path: Path) -> None:
        """The journal has the promise before the deed."""
        with standing() as demo:
            ran = run(demo, tmp_path, faults=[self._fault()])
        kinds = [e.entry for e in decode(ran.found.read(layout.JOURNAL)).lines]
        promised = next(
            i
            for i, e in enumerate(kinds)
            if isinstance(e, UndoPlanned) and isinstance(e.undo, FinishByPlugin)
        )
        applying = next(i for i, e in enumerate(kinds) if e.event == "fault.applying")
        assert promised < applying

    def test_killed_while_it_acts_it_is_undone_by_chaosmem_undo(self, tmp_path: Path) -> None:
        """SIGKILL the run; `chaosmem undo` takes it back; once more changes nothing."""
        with standing() as demo:
            file = tmp_path / "spec.yaml"
            phases = {"baseline": "300ms", "inject": "300ms", "hold": "60s", "recover": "300ms"}
            file.write_text(experiment(demo, phases=phases, faults=[self._fault()]))
            started = demo.start("run", file, "--runs-dir", tmp_path / "runs", cwd=tmp_path)
            _until(lambda: self.acting(demo), "it never took effect")
            started.kill()
            started.communicate()
            for _ in range(2):
                undone = demo.start("undo", "latest", "--runs-dir", tmp_path / "runs", cwd=tmp_path)
                said = "".join(undone.communicate(timeout=_WITHIN))
                assert undone.returncode == 0, said
                assert not self.acting(demo), f"it is still in effect after undo: {said}"
        assert rundir.find(tmp_path / "runs", "latest")

    def test_without_evidence_it_is_not_proven(self) -> None:
        """A fault of which nothing was read back or measured must not count as proven."""
        seen, _ = sample().judged()
        with standing() as demo:
            loaded = spec.loads(experiment(demo, faults=[self._fault()]), name="spec.yaml")
        trial = seen.trials[0]
        planned = trial.faults[0].planned.model_copy(update={"fault": loaded.experiment.faults[0]})
        blank = type(trial.faults[0])(planned, None, 0.0, None, 0.0)
        try:
            proofs = prove(blank, trial, 0.1)
        except Undecided:
            return
        assert proofs
        assert not any(proof.proven for proof in proofs)


def _until(true: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + _WITHIN
    while not true():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.02)
