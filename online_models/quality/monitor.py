"""How good predictions were, as their labels mature: by landmark, tier, version and media source.

Every label comes with what was predicted before it was known (prequential evaluation: Dawid 1984).
It is counted in several slices. Each slice collects predictions and labels until its window closes:
when it is full, or when a day of log time ends. Then its figures are reported, once, and it starts
over: so figures are of the recent past, and sums over any period can be made of them.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from online_models.hazard.rules import Numbers
from online_models.persistence.envelope import Unusable
from online_models.persistence.layout import Layout
from online_models.quality.calibration import ReliabilityBin
from online_models.quality.figures import QualityFigures, of_amounts, of_chances
from schemas.time import DAY_MS

BIN = "bin"
"""Horizon of rows that are about one bin of the hazard."""

OTHER = "other"
"""Name that media sources share for which there is no room."""


_AMOUNT_MAX = 1e9
"""Limit of amounts, in the reporting currency: a larger one is a mistake, and not counted."""


class QualityRules(Struct, frozen=True):
    """Bounds of the quality monitor."""

    window: int = 2000
    """Labels of a slice after which its window closes."""
    slices_max: int = 1024
    """When there is no room, the slice without a label for longest closes its window early."""
    sources_max: int = 32
    """Media sources with slices of their own: the first ones of the log."""


class QualitySlice(NamedTuple):
    """Which predictions a window is about. An empty field: all values of it."""

    target: str
    horizon: str
    landmark: str = ""
    platform: str = ""
    tier: str = ""
    model_version: str = ""
    media_source: str = ""


class QualityWindow(NamedTuple):
    """A closed window of one slice, with its figures."""

    slice: QualitySlice
    number: int
    """Counted from 1, over all slices."""
    begin_at: int
    """Log times of the first and the last label."""
    end_at: int
    figures: QualityFigures
    table: list[ReliabilityBin]
    """Of chances: bins of about equal mass; empty for amounts."""


class QualityCounts(Struct):
    """Since the beginning of the log. `unusable`: labels whose prediction is no chance or amount;
    `evicted`: windows closed early for want of room; `unnamed`: labels of media sources for which
    there was no room."""

    labels: int = 0
    windows: int = 0
    unusable: int = 0
    evicted: int = 0
    unnamed: int = 0


class _Window:
    __slots__ = ("actual", "begin_at", "end_at", "is_amount", "predicted")

    def __init__(self, at: int, is_amount: bool) -> None:
        self.predicted, self.actual = array("f"), array("f")
        self.begin_at = self.end_at = at
        self.is_amount = is_amount


class QualityMonitor:
    """Figures depend on the labels and their order alone."""

    def __init__(self, rules: QualityRules | None = None) -> None:
        self.rules = rules or QualityRules()
        self.counts = QualityCounts()
        self._windows: dict[QualitySlice, _Window] = {}
        self._sources: set[str] = set()
        self._day = 0

    @property
    def slices(self) -> int:
        return len(self._windows)

    def served(
        self, about: QualitySlice, predicted: float, outcome: float, at: int
    ) -> list[QualityWindow]:
        """Count a chance that was served. `about`: all fields filled in; `outcome`: 1 if it came
        true, else 0; `at`: log time of the label, in ms. Returns windows that close with it."""
        if not (0.0 <= predicted <= 1.0 and outcome in (0.0, 1.0)):
            self.counts.unusable += 1
            return []
        return self._add_each(self._slices_of(about), (predicted, outcome), at, False)

    def amount(
        self, about: QualitySlice, predicted: float, outcome: float, at: int
    ) -> list[QualityWindow]:
        """The same for an expected and an actual amount, in units of the reporting currency."""
        if not (0.0 <= predicted < _AMOUNT_MAX and abs(outcome) < _AMOUNT_MAX):
            self.counts.unusable += 1
            return []
        return self._add_each(self._slices_of(about), (predicted, outcome), at, True)

    def rows(
        self, about: QualitySlice, predicted: Numbers, outcomes: Numbers, at: int
    ) -> list[QualityWindow]:
        """Count hazards of bins, each predicted by some tier before its row was learned."""
        usable = (predicted >= 0.0) & (predicted <= 1.0) & ((outcomes == 0.0) | (outcomes == 1.0))
        y_pred, y_true = predicted[usable].tolist(), outcomes[usable].tolist()
        self.counts.unusable += len(usable) - len(y_pred)
        slice_, closed, first = about._replace(horizon=BIN), self._end_day(at // DAY_MS), 0
        self.counts.labels += len(y_pred)
        while first < len(y_pred):
            window = self._window_of(slice_, at, False, closed)
            end = first + self.rules.window - len(window.predicted)
            window.predicted.extend(y_pred[first:end])
            window.actual.extend(y_true[first:end])
            window.end_at = at
            first = end
            if len(window.predicted) >= self.rules.window:
                closed.append(self._close(slice_))
        return closed

    def _slices_of(self, about: QualitySlice) -> tuple[QualitySlice, ...]:
        target, horizon, landmark, _, tier, version, source = about
        return (
            QualitySlice(target, horizon, landmark, tier=tier),
            QualitySlice(target, horizon, tier=tier, model_version=version),
            QualitySlice(target, horizon, tier=tier, media_source=self._known(source)),
        )

    def _known(self, source: str) -> str:
        if source not in self._sources:
            if len(self._sources) >= self.rules.sources_max:
                self.counts.unnamed += 1
                return OTHER
            self._sources.add(source)
        return source

    def _add_each(
        self, slices: tuple[QualitySlice, ...], label: tuple[float, float], at: int, is_amount: bool
    ) -> list[QualityWindow]:
        self.counts.labels += 1
        closed = self._end_day(at // DAY_MS)
        for slice_ in slices:
            window = self._window_of(slice_, at, is_amount, closed)
            window.predicted.append(label[0])
            window.actual.append(label[1])
            window.end_at = at
            if len(window.predicted) >= self.rules.window:
                closed.append(self._close(slice_))
        return closed

    def _window_of(
        self, slice_: QualitySlice, at: int, is_amount: bool, closed: list[QualityWindow]
    ) -> _Window:
        known = self._windows.get(slice_)
        if known is not None:
            return known
        if len(self._windows) >= self.rules.slices_max:
            closed.append(self._evict())
        window = self._windows[slice_] = _Window(at, is_amount)
        return window

    def _end_day(self, day: int) -> list[QualityWindow]:
        """Close all windows when a new day begins. Around midnight labels of both days alternate,
        so only a later day ends one, or a clock that jumped back by more than a day."""
        if day in (self._day, self._day - 1):
            return []
        self._day = day
        return [self._close(one) for one in list(self._windows)]

    def _evict(self) -> QualityWindow:
        self.counts.evicted += 1
        return self._close(
            min(self._windows, key=lambda slice_: (self._windows[slice_].end_at, slice_))
        )

    def _close(self, slice_: QualitySlice) -> QualityWindow:
        window = self._windows.pop(slice_)
        y_pred, y_true = np.array(window.predicted, float), np.array(window.actual, float)
        self.counts.windows += 1
        if window.is_amount:
            figures, table = of_amounts(y_pred, y_true), list[ReliabilityBin]()
        else:
            figures, table = of_chances(y_pred, y_true)
        number = self.counts.windows
        return QualityWindow(slice_, number, window.begin_at, window.end_at, figures, table)


class _Written(Struct, frozen=True, array_like=True, gc=False):
    slice: QualitySlice
    is_amount: bool
    begin_at: int
    end_at: int
    predicted: bytes  # little-endian float32
    actual: bytes


class _Body(Struct, frozen=True, array_like=True, gc=False):
    counts: QualityCounts
    day: int
    sources: list[str]
    windows: list[_Written]


QUALITY_LAYOUT = Layout("quality/1", _Body, "a quality monitor")


def dump_quality(monitor: QualityMonitor) -> bytes:
    """Everything that `load_quality` needs to go on bit for bit."""
    body = _Body(monitor.counts, monitor._day, sorted(monitor._sources), list(_written(monitor)))
    return QUALITY_LAYOUT.dump(body).content


def load_quality(content: bytes, rules: QualityRules) -> QualityMonitor | Unusable:
    """The monitor in `content`; it goes on bit for bit."""
    opened = QUALITY_LAYOUT.load(content)
    if isinstance(opened, Unusable):
        return opened
    body = opened.body
    monitor = QualityMonitor(rules)
    monitor.counts, monitor._day, monitor._sources = body.counts, body.day, {*body.sources}
    for written in body.windows:
        window = _read(written)
        if window is None:
            return Unusable("a window holds what no window can hold")
        monitor._windows[written.slice] = window
    if len(monitor._windows) > rules.slices_max or len(monitor._sources) > rules.sources_max:
        return Unusable("more slices or media sources than the rules allow")
    return monitor


def _written(monitor: QualityMonitor) -> Iterator[_Written]:
    for slice_, window in monitor._windows.items():
        y_pred, y_true = (
            np.array(column, "<f4").tobytes() for column in (window.predicted, window.actual)
        )
        yield _Written(slice_, window.is_amount, window.begin_at, window.end_at, y_pred, y_true)


def _read(written: _Written) -> _Window | None:
    window = _Window(written.begin_at, written.is_amount)
    window.end_at = written.end_at
    if (
        len(written.predicted) % 4
        or len(written.predicted) != len(written.actual)
        or not written.predicted
    ):
        return None
    y_pred, y_true = (
        np.frombuffer(column, "<f4") for column in (written.predicted, written.actual)
    )
    top = _AMOUNT_MAX if written.is_amount else 1.0
    bottom = -_AMOUNT_MAX if written.is_amount else 0.0
    is_usable = ((y_pred >= 0.0) & (y_pred <= top) & (y_true >= bottom) & (y_true <= top)).all()
    window.predicted.extend(y_pred.tolist())
    window.actual.extend(y_true.tolist())
    return window if is_usable else None
