"""How a long computation reports its progress, whoever shows it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Receives the progress of a computation that takes seconds or longer.

    Call it with the name of the current step, the amount done and the total amount, in any unit:
    `advance("reading traffic.jsonl", 5_000, 50_000)`. Steps follow one another; within a step
    `done` rises to `total`. It returns at once and never raises, so it may be called thousands of
    times. `headwater` draws a bar from the calls; tests pass `ignore_progress`.
    """

    def __call__(self, step: str, done: int, total: int, /) -> None: ...


def ignore_progress(step: str, done: int, total: int, /) -> None:
    """Report nothing: for `--json`, and for callers who do not show progress."""
