"""The known truth: what each program of the corpus is, and what each check must say of it, and why.

Outcomes: P pass, F fail, I inconclusive; `IF` either, where the program's own comment says why.
Checks that a case does not name may say anything but are still computed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from chaosmem.errors import Exit

WORDS = {"P": "PASS", "F": "FAIL", "I": "INCONCLUSIVE"}


@dataclass(frozen=True)
class Case:
    """One program: the outcome of each check, the exit code, words that the reasons must have."""

    program: str
    why: str
    outcomes: dict[str, str]
    exits: tuple[int, ...]
    says: dict[str, str] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    phases: dict[str, str] = field(default_factory=dict)


HEALTHY = {
    "goroutine-recovery": "P",
    "next-gc-prediction": "P",
    "top-allocations": "P",
    "heap-returns": "P",
    "stress-effect": "P",
    "no-restart": "P",
}
NOTHING_MEASURED = dict.fromkeys(
    ("goroutine-recovery", "next-gc-prediction", "top-allocations", "heap-returns"), "I"
)

CASES = (
    Case("healthy", "no defect", HEALTHY, (Exit.PASS,)),
    Case(
        "goroutine-leak",
        "released goroutines never end",
        HEALTHY | {"goroutine-recovery": "F"},
        (Exit.FAIL,),
    ),
    Case(
        "slow-drain",
        "goroutines end 8 s after release, allowed are 5 s",
        HEALTHY | {"goroutine-recovery": "F"},
        (Exit.FAIL,),
    ),
    Case(
        "drain-in-time",
        "goroutines end 4.5 s after release: late, but surely in time at 10 samples/s",
        HEALTHY,
        (Exit.PASS,),
    ),
    Case(
        "drain-straddles",
        "goroutines end at the threshold itself: sampling cannot tell",
        HEALTHY | {"goroutine-recovery": "IF"},
        (Exit.INCONCLUSIVE, Exit.FAIL),
    ),
    Case(
        "recover-then-relapse",
        "the count is back at once, then up again within the dwell time, until 8 s",
        HEALTHY | {"goroutine-recovery": "F"},
        (Exit.FAIL,),
    ),
    Case(
        "noisy-baseline",
        "the baseline swings by 200: a surge of 100 hides in it",
        {"goroutine-recovery": "I"},
        (Exit.INCONCLUSIVE,),
    ),
    Case(
        "retained-heap",
        "freed heap is kept",
        HEALTHY | {"heap-returns": "F"},
        (Exit.FAIL,),
    ),
    Case(
        "background-leak",
        "4 MiB/s leak beside the injection",
        HEALTHY | {"heap-returns": "F", "next-gc-prediction": "PI"},
        (Exit.FAIL,),
    ),
    Case(
        "wrong-site",
        "allocates at main.load, not at the declared point",
        HEALTHY | {"top-allocations": "F"},
        (Exit.FAIL,),
    ),
    Case(
        "limiter-thrash",
        "GOMEMLIMIT below the live heap: the GC CPU limiter is on, no goal can be held",
        {"gc-cpu": "F", "next-gc-prediction": "I", "no-restart": "PI"},
        (Exit.FAIL,),
        phases={"hold": "6s"},
    ),
    Case(
        "gc-off",
        "GOGC off: no cycle but the forced ones, the goal is a sentinel",
        {"next-gc-prediction": "I", "goroutine-recovery": "P", "top-allocations": "P"},
        (Exit.INCONCLUSIVE,),
    ),
    Case(
        "heap-profile-off",
        "MemProfileRate 0: an empty profile is no proof of absence",
        HEALTHY | {"top-allocations": "I"},
        (Exit.INCONCLUSIVE,),
    ),
    Case(
        "dies",
        "panics 2 s after the first act",
        NOTHING_MEASURED | {"no-restart": "F"},
        (Exit.FAIL,),
    ),
    Case(
        "hangs",
        "answers nothing any more 2 s after the first act",
        NOTHING_MEASURED,
        (Exit.INCONCLUSIVE,),
    ),
    Case(
        "lying-agent",
        "claims what it never did: the runtime's numbers do not move",
        {"stress-effect": "I", "goroutine-recovery": "I", "top-allocations": "IF"},
        (Exit.INCONCLUSIVE, Exit.FAIL),
    ),
    Case("http-500", "every debug path answers 500", {}, (Exit.INCONCLUSIVE,)),
    Case("never-ready", "never gets ready", {}, (Exit.INCONCLUSIVE,)),
    Case(
        "slow-answers",
        "each answer takes 1.5 s, over the time-out of 1 s",
        {"goroutine-recovery": "I"},
        (Exit.INCONCLUSIVE,),
    ),
    Case(
        "gigantic-answer",
        "a sample of 300 MB: over the limit, never read whole",
        {"goroutine-recovery": "I"},
        (Exit.INCONCLUSIVE,),
    ),
    Case(
        "truncated-answer",
        "answers are cut in half: none is taken for data",
        {"goroutine-recovery": "I", "top-allocations": "I"},
        (Exit.INCONCLUSIVE,),
    ),
)
