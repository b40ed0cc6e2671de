"""When a model is asked about an install, or learns something of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from streams.lab.simulator.draws import BoolColumn, IntColumn


@dataclass(frozen=True, slots=True)
class Occasions:
    """Columns of equal length, one element per occasion, in order of log time."""

    time: IntColumn  # log time in ms
    install: IntColumn  # number of the install
    which: IntColumn  # number of a landmark, of a bin or of a step
    label: BoolColumn  # what is learned; False where the model is asked

    @classmethod
    def ordered(
        cls,
        time: IntColumn,
        install: IntColumn,
        which: IntColumn,
        label: BoolColumn | None = None,
    ) -> Self:
        """Sort columns by time, then by install, then by `which`."""
        order = np.lexsort((which, install, time))
        known = np.zeros(len(time), bool) if label is None else label
        return cls(time=time[order], install=install[order], which=which[order], label=known[order])

    @classmethod
    def at_ages(cls, installed_at: IntColumn, ages_ms: IntColumn) -> Self:
        """One occasion for every install at every age; ages are ms since the install."""
        installs = len(installed_at)
        install = np.repeat(np.arange(installs), len(ages_ms))
        which = np.tile(np.arange(len(ages_ms)), installs)
        return cls.ordered(installed_at[install] + ages_ms[which], install, which)

    def between(self, begin_ms: int, end_ms: int) -> slice:
        """The occasions from `begin_ms` on and before `end_ms`."""
        first, last = np.searchsorted(self.time, [begin_ms, end_ms])
        return slice(int(first), int(last))

    def rows(self, which: slice) -> list[tuple[int, int, bool]]:
        """Install, `which` and label of a slice, as plain values."""
        columns = (self.install[which], self.which[which], self.label[which])
        return list(zip(*(column.tolist() for column in columns), strict=True))
