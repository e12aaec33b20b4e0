"""What may be begun now, beside what runs already. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from chaosmem.campaign.model import Cell


def startable(
    waiting: Sequence[Cell], running: Collection[Cell], *, parallelism: int, targets: int
) -> Cell | None:
    """The first waiting cell that may run beside the others; None where there is none.

    Args:
        waiting: in the order of the campaign.
        running: every cell whose process may still act, whoever started it.
        parallelism: most experiments at one time.
        targets: most targets that may be under a fault at one time.
    """
    if len(running) >= parallelism:
        return None
    free = targets - sum(c.weight for c in running)
    held = {c.lock for c in running if c.lock}
    return next((c for c in waiting if c.weight <= free and c.lock not in held), None)


def width(cells: Sequence[Cell], *, parallelism: int, targets: int) -> int:
    """Pods that a Job may run at one time, so that no choice of them is over the limit."""
    heaviest = max((c.weight for c in cells), default=1)
    return max(1, min(parallelism, targets // heaviest, len(cells)))


def interleaved(cells: Sequence[Cell]) -> tuple[Cell, ...]:
    """An order for a Job, which begins the lowest index first: cells of one lock far apart.

    Else the first pods of the Job would all wait for the same lock.
    """
    turns: dict[str, int] = {}
    ranked = []
    for cell in cells:
        turn = turns.get(cell.lock, 0) if cell.lock else 0
        turns[cell.lock] = turn + 1
        ranked.append((turn, cell.index, cell))
    return tuple(cell for _, _, cell in sorted(ranked, key=lambda r: r[:2]))
