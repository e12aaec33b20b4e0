"""More trials in one analysis: the gate's one answer to noise. Pure.

Every trial counts: a check that fails in one of them fails. So more trials never turn a red run
green; they tell an unlikely failure from none, and give the baseline a median instead of one value.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from chaosmem.spec import nodes, rules
from chaosmem.spec.errors import Problem, Severity, SpecInvalid
from chaosmem.spec.model import Experiment
from chaosmem.spec.reader import Loaded
from chaosmem.spec.sections import KINDS


def with_trials(loaded: Loaded, trials: int, file: str) -> Loaded:
    """The same spec with `trials` trials an arm; SpecInvalid where its rules forbid that many."""
    experiment = loaded.experiment.model_copy(update={"trials": trials})
    problems = list(_problems(experiment, loaded.text, file))
    if any(p.severity is Severity.ERROR for p in problems):
        raise SpecInvalid(problems)
    return replace(loaded, experiment=experiment)


def _problems(experiment: Experiment, text: str, file: str) -> Iterator[Problem]:
    document = nodes.read(text, file=file)
    fields = {name: getattr(experiment, name) for name in type(experiment).model_fields}
    pairs = {name: tuple(enumerate(fields[name])) for name in KINDS}
    draft = rules.Draft.of(fields | pairs, ())
    for complaint in rules.complaints(draft):
        message = f"{complaint.message} (with --trials {experiment.trials})"
        yield document.problem(complaint.path, message, severity=complaint.severity)
