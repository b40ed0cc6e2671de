"""Hazards of rates summed over time, for an install whose origin has a factor of 1.

Rates that answer do not learn, and are asked at few ages and of few cells of activity. So the sums
until each horizon are worked out once for each, and an answer is one exponential per horizon.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from online_models.hazard.bins import Shape
from online_models.scoring.activity_rates import NO_FACTORS, Factors

Used = tuple[int, int]
"""A landmark, and the cell of activity that an install was in then."""

KEPT_MAX = 4096
"""Ages and cells whose sums are kept."""


class SummedHazards:
    """Of hazards by bin. `tables`: factors by landmark and cell of activity, in the first week and
    from the bin `later_from` on. Neither changes."""

    def __init__(
        self,
        shape: Shape,
        hazards: Sequence[float],
        tables: Sequence[Sequence[Factors]],
        later_from: int,
    ) -> None:
        self.tables = tables
        self._shape = shape
        self._later_from = later_from
        self._sums = [0.0]  # minus the log of survival until each edge
        for hazard in hazards:
            self._sums.append(self._sums[-1] - math.log1p(-hazard))
        self._ends = [
            (horizon.name, horizon.after_ms, shape.bins_until(number))
            for number, horizon in enumerate(shape.horizons)
        ]
        self._kept: dict[tuple[int, Used | None], list[tuple[str, float]]] = {}

    def until_horizons(self, elapsed_ms: int, used: Used | None) -> list[tuple[str, float]]:
        """Of each horizon that has not passed at this age: its name, and the sum until then."""
        found = self._kept.get((elapsed_ms, used))
        if found is None:
            if len(self._kept) >= KEPT_MAX:
                self._kept.clear()
            found = self._kept[elapsed_ms, used] = self._until(elapsed_ms, used)
        return found

    def _until(self, elapsed_ms: int, used: Used | None) -> list[tuple[str, float]]:
        sums, start = self._sums, self._sum_at(elapsed_ms)
        first_week, later = self.tables[used[0]][used[1]] if used else NO_FACTORS
        turn = max(sums[self._later_from], start)
        return [
            (name, first_week * (min(sums[end], turn) - start) + later * max(sums[end] - turn, 0.0))
            for name, after_ms, end in self._ends
            if after_ms > elapsed_ms
        ]

    def _sum_at(self, elapsed_ms: int) -> float:
        """A bin that has begun counts for the part that is left of it."""
        shape, sums = self._shape, self._sums
        number = shape.bin_at(elapsed_ms)
        if number < 0:
            return 0.0
        if number >= shape.bins:
            return sums[-1]
        begin, end = shape.edges[number], shape.edges[number + 1]
        return sums[number] + (sums[number + 1] - sums[number]) * (elapsed_ms - begin) / (
            end - begin
        )
