"""What every reporter and every endpoint finder must hold."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from typing import Any, ClassVar

from chaosmem import plugins
from chaosmem.errors import ChaosmemError
from chaosmem.plugins import Found
from chaosmem.testing.stand import HOSTILE, Demo, sample, standing


class ReporterContract:
    """Subclass it as `TestMyReporter`.

    Attributes:
        name: of the format.
        markup: it writes HTML, in which text of specs must be escaped.
    """

    name: ClassVar[str]
    markup: ClassVar[bool] = False

    def _report(self) -> bytes:
        seen, verdict = sample().judged()
        rendered: bytes = plugins.call(plugins.reporters()[self.name].render)(verdict, seen)
        return rendered

    def test_it_says_the_outcome(self) -> None:
        """Whatever else it leaves out."""
        _, verdict = sample().judged()
        assert str(verdict.outcome).encode() in self._report()

    def test_the_same_verdict_gives_the_same_bytes(self) -> None:
        """No clock, no random names."""
        assert self._report() == self._report()

    def test_text_of_specs_does_not_become_markup(self) -> None:
        """A description is data."""
        if self.markup:
            assert HOSTILE.encode() not in self._report()


class FinderContract(ABC):
    """Subclass it as `TestMyFinder`.

    Attributes:
        name: the driver's key below `endpoint.find`.
        lost: what it is told where there is nothing to find.
    """

    name: ClassVar[str]
    lost: ClassVar[dict[str, Any]]

    @abstractmethod
    def told(self, demo: Demo) -> AbstractContextManager[dict[str, Any]]:
        """What stands below its key, while it can find that demo."""

    def _find(self, body: dict[str, Any]) -> Found:
        plugin = plugins.finders()[self.name]
        found: Found = plugins.call(plugin.find)(plugin.model.model_validate(body))
        return found

    def test_it_finds_what_is_running(self) -> None:
        """By its address, and its process where that is on this machine."""
        with standing() as demo, self.told(demo) as body:
            found = self._find(body)
            assert found == self._find(body), "finding it changed something"
        assert found.url.rstrip("/") == demo.url
        assert found.pid in (None, demo.pid)

    def test_what_is_not_there_is_an_error_of_chaosmems(self) -> None:
        """With words, not a traceback."""
        try:
            self._find(self.lost)
        except ChaosmemError as problem:
            assert str(problem)
        else:
            raise AssertionError("it found what is not there")
