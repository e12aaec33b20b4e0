"""What every check plugin must hold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from chaosmem import plugins, spec
from chaosmem.evidence import Evidence
from chaosmem.testing.stand import sample
from chaosmem.verify import Outcome, to_json, verify


class CheckContract:
    """Subclass it as `TestMyCheck`; both bodies are judged on one real run of the demo.

    Attributes:
        kind: as specs write it.
        passing: what stands below it in a spec, such that the demo passes.
        failing: such that the demo fails; a check that cannot fail says nothing.
    """

    kind: ClassVar[str]
    passing: ClassVar[dict[str, Any]] = {}
    failing: ClassVar[dict[str, Any]]

    def _evidence(self, body: dict[str, Any]) -> Evidence:
        """The sample's evidence, as if this check had been declared."""
        seen, _ = sample().judged()
        model = plugins.checks()[self.kind].model.model_validate(body, by_alias=True)
        experiment = seen.experiment.model_copy(update={"checks": (model,)})
        return replace(seen, experiment=experiment)

    def _outcome(self, seen: Evidence) -> Outcome:
        return next(f.outcome for f in verify(seen).findings if f.check == self.kind)

    def test_its_entry_point_is_usable(self) -> None:
        """`chaosmem version --all` shows it."""
        said = {e.name: e.problem for e in plugins.entries("chaosmem.checks")}
        assert said.get(self.kind) == ""

    def test_editors_know_its_fields(self) -> None:
        """They are in the JSON Schema, each with a description (its attribute docstring)."""
        items = spec.json_schema()["properties"]["checks"]["items"]
        one = items.get("else", items)["properties"][self.kind]
        reference = one["$ref"].rpartition("/")[2]
        for name, field in spec.json_schema()["$defs"][reference]["properties"].items():
            assert field.get("description"), f"{name} has no docstring below it"

    def test_it_says_what_it_expects_before_anything_is_observed(self) -> None:
        """A claim in words, and its threshold."""
        plugin = plugins.checks()[self.kind]
        stated = plugins.call(plugin.claim)(plugin.model.model_validate(self.passing))
        assert stated.expected
        assert stated.threshold

    def test_it_passes_where_it_should(self) -> None:
        """On a real run."""
        assert self._outcome(self._evidence(self.passing)) is Outcome.PASS

    def test_it_fails_where_it_should(self) -> None:
        """On the same run, asked for more."""
        assert self._outcome(self._evidence(self.failing)) is Outcome.FAIL

    def test_without_samples_it_does_not_pass(self) -> None:
        """No data is INCONCLUSIVE, and never PASS."""
        seen = self._evidence(self.passing)
        blank = tuple(replace(t, series={}, captures=(), events=()) for t in seen.trials)
        assert self._outcome(replace(seen, trials=blank)) is not Outcome.PASS

    def test_the_same_evidence_gives_the_same_bytes(self) -> None:
        """A verdict can be computed again."""
        seen = self._evidence(self.passing)
        assert to_json(verify(seen)) == to_json(verify(seen))
