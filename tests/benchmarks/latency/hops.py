"""Where the time from publishing an install to its prediction went.

A trace holds, per poll batch, when it arrived, and per decision, up to which offsets it went and
when it was decided and committed. The topics say which offsets carry an install: its own message,
its lookups in frames of `match`, and the answers to them in frames of `journeys`. Of several
lookups the last answer counts, because the decision waits for it. The hops of one install add up to
its time; what it waits for other partitions to be read is part of `journeys_waiting`.
"""

from __future__ import annotations

import statistics
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import orjson

HOPS = (
    "publish_to_intake",
    "intake_waiting",
    "intake_commit",
    "intake_to_matching",
    "matching_waiting",
    "matching_commit",
    "matching_to_journeys",
    "journeys_waiting",
    "journeys_commit",
    "commit_to_reader",
)
"""`waiting` is from the arrival at a lane until it has decided."""

PlaceInLog = tuple[str, int, int]  # topic, partition, offset


class TracedStep(NamedTuple):
    """One decision of a lane."""

    decided_at: float
    committed_at: float


@dataclass(slots=True)
class InstallPlaces:
    """Where the log carries something of each install."""

    events: dict[str, PlaceInLog] = field(default_factory=dict)
    lookups: dict[str, list[PlaceInLog]] = field(default_factory=lambda: defaultdict(list))
    answers: dict[str, list[PlaceInLog]] = field(default_factory=lambda: defaultdict(list))


class HopTrace:
    """The traces of all core workers of one run."""

    def __init__(self, lines: Iterable[Sequence[Any]]) -> None:
        self._arrivals: dict[tuple[str, int], list[tuple[int, int, float]]] = defaultdict(list)
        self._steps: dict[tuple[str, int], list[tuple[int, TracedStep]]] = defaultdict(list)
        self._scored: dict[str, TracedStep] = {}
        for kind, *fields in lines:
            if kind == "arrival":
                topic, p, first, end, at = fields
                self._arrivals[topic, p].append((first, end, at))
            else:
                self._note(*fields)
        for arrivals in self._arrivals.values():
            arrivals.sort()
        for steps in self._steps.values():
            steps.sort()

    @classmethod
    def of_files(cls, paths: Iterable[Path]) -> HopTrace:
        return cls(orjson.loads(line) for path in paths for line in path.open("rb"))

    def _note(
        self,
        stage: str,
        p: int,
        positions: Mapping[str, int],
        decided_at: float,
        committed_at: float,
        scored: Iterable[str],
    ) -> None:
        step = TracedStep(decided_at, committed_at)
        for topic, end in positions.items():
            self._steps[topic, p].append((end, step))
        for install_id in scored:
            self._scored.setdefault(install_id, step)

    def arrival(self, place: PlaceInLog) -> float | None:
        """When the record came to its lane."""
        topic, p, offset = place
        arrivals = self._arrivals[topic, p]
        for first, end, at in reversed(arrivals[: bisect_right(arrivals, (offset, 1 << 62, 0.0))]):
            if first <= offset < end:
                return at
        return None

    def step(self, place: PlaceInLog) -> TracedStep | None:
        """The decision that the record was part of."""
        topic, p, offset = place
        steps = self._steps[topic, p]
        found = bisect_right(steps, offset, key=lambda one: one[0])
        return steps[found][1] if found < len(steps) else None

    def hops(
        self, install_id: str, published: float, places: InstallPlaces, read: float
    ) -> tuple[float, ...] | None:
        """Seconds of each of HOPS; None: the install asked nothing, or part of it is unknown."""
        event, deciding = places.events.get(install_id), self._scored.get(install_id)
        if event is None or deciding is None:
            return None
        intake_at, intake = self.arrival(event), self.step(event)
        answers = [self.arrival(place) for place in places.answers.get(install_id, ())]
        answered = max((at for at in answers if at and at <= deciding.decided_at), default=None)
        if intake_at is None or intake is None or answered is None:
            return None
        asked = max(
            (
                (step.committed_at, step.decided_at, at)
                for place in places.lookups.get(install_id, ())
                if (step := self.step(place)) and (at := self.arrival(place))
                if step.committed_at <= answered
            ),
            default=None,
        )
        if asked is None:
            return None
        moments = (
            published, intake_at, intake.decided_at, intake.committed_at,
            asked[2], asked[1], asked[0], answered,
            deciding.decided_at, deciding.committed_at, read,
        )  # fmt: skip
        return tuple(after - before for before, after in pairwise(moments))


def by_hop(rows: Sequence[Sequence[float]]) -> dict[str, dict[str, float]]:
    """Milliseconds of each hop: p50, p99 and mean. The means add up to the mean of the whole."""
    found = {}
    for name, seconds in zip(HOPS, zip(*rows, strict=True), strict=False):
        ordered = sorted(1000 * one for one in seconds)
        found[name] = {
            f"p{share}": round(ordered[min(len(ordered) - 1, len(ordered) * share // 100)], 1)
            for share in (50, 99)
        } | {"mean": round(statistics.fmean(ordered), 1)}
    return found
