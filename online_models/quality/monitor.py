"""How good predictions were, told as their labels mature: per landmark, tier, version and source.

Every label comes with what had been predicted before it was known (prequential: Dawid 1984). It is
counted in several slices; each keeps what was said and what happened until its window closes: when
it is full, or when a day of log time ends. Then its figures are told, once, and it begins anew: so
they speak of the recent past, and sums over any period can be made of them.
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
from online_models.quality.figures import QualityFigures, of_amounts, of_chances, reliability_of
from schemas.time import DAY_MS

BIN = "bin"
"""Horizon of rows that speak of one bin of the hazard."""

OTHER = "other"
"""Media sources for which there is no room share this name."""


_AMOUNT_MAX = 1e9
"""An amount beyond is a mistake, in whichever currency anyone reports."""


class QualityRules(Struct, frozen=True):
    window: int = 2000
    """Labels of a slice after which its figures are told."""
    slices_max: int = 1024
    """When there is no room, the slice that heard nothing for longest tells its figures early."""
    sources_max: int = 32
    """Media sources told apart: the first ones of the log."""


class QualitySlice(NamedTuple):
    """Which predictions. Empty: all of them."""

    target: str
    horizon: str
    landmark: str = ""
    platform: str = ""
    tier: str = ""
    model_version: str = ""
    media_source: str = ""


class QualityWindow(NamedTuple):
    slice: QualitySlice
    number: int
    """Counted from 1, over all slices."""
    begin_at: int
    """Log times of the first and the last label."""
    end_at: int
    figures: QualityFigures
    table: list[ReliabilityBin]
    """Of chances. Bins of about equal mass."""


class QualityCounts(Struct):
    """Since the beginning of the log. `unusable`: not a chance and whether it came true, nor an
    amount; `evicted`: windows told early for want of room; `unnamed`: labels of media sources for
    which there was no room."""

    labels: int = 0
    windows: int = 0
    unusable: int = 0
    evicted: int = 0
    unnamed: int = 0


class _Window:
    __slots__ = ("begin_at", "came", "end_at", "is_amount", "said")

    def __init__(self, at: int, is_amount: bool) -> None:
        self.said, self.came = array("f"), array("f")
        self.begin_at = self.end_at = at
        self.is_amount = is_amount


class QualityMonitor:
    """What it tells depends on the labels and their order alone."""

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
        """A chance that somebody was told, every field of `about` filled in; whether it came true
        (0 or 1); log time of the label."""
        if not (0.0 <= predicted <= 1.0 and outcome in (0.0, 1.0)):
            self.counts.unusable += 1
            return []
        return self._add_each(self._slices_of(about), (predicted, outcome), at, False)

    def amount(
        self, about: QualitySlice, predicted: float, outcome: float, at: int
    ) -> list[QualityWindow]:
        """The same of an expected amount, in units of the reporting currency."""
        if not (0.0 <= predicted < _AMOUNT_MAX and abs(outcome) < _AMOUNT_MAX):
            self.counts.unusable += 1
            return []
        return self._add_each(self._slices_of(about), (predicted, outcome), at, True)

    def rows(
        self, about: QualitySlice, predicted: Numbers, outcomes: Numbers, at: int
    ) -> list[QualityWindow]:
        """Hazards of bins, each predicted by some tier before it was learned."""
        usable = (predicted >= 0.0) & (predicted <= 1.0) & ((outcomes == 0.0) | (outcomes == 1.0))
        said, came = predicted[usable].tolist(), outcomes[usable].tolist()
        self.counts.unusable += len(usable) - len(said)
        one, told, first = about._replace(horizon=BIN), self._end_day(at // DAY_MS), 0
        self.counts.labels += len(said)
        while first < len(said):
            window = self._window_of(one, at, False, told)
            end = first + self.rules.window - len(window.said)
            window.said.extend(said[first:end])
            window.came.extend(came[first:end])
            window.end_at = at
            first = end
            if len(window.said) >= self.rules.window:
                told.append(self._close(one))
        return told

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
        told = self._end_day(at // DAY_MS)
        for one in slices:
            window = self._window_of(one, at, is_amount, told)
            window.said.append(label[0])
            window.came.append(label[1])
            window.end_at = at
            if len(window.said) >= self.rules.window:
                told.append(self._close(one))
        return told

    def _window_of(
        self, one: QualitySlice, at: int, is_amount: bool, told: list[QualityWindow]
    ) -> _Window:
        known = self._windows.get(one)
        if known is not None:
            return known
        if len(self._windows) >= self.rules.slices_max:
            told.append(self._evict())
        window = self._windows[one] = _Window(at, is_amount)
        return window

    def _end_day(self, day: int) -> list[QualityWindow]:
        """Every slice tells its figures once a day. Around midnight labels of both days come in
        turn, so only a later day ends one, or a clock that jumped back by more."""
        if day in (self._day, self._day - 1):
            return []
        self._day = day
        return [self._close(one) for one in list(self._windows)]

    def _evict(self) -> QualityWindow:
        self.counts.evicted += 1
        return self._close(min(self._windows, key=lambda one: (self._windows[one].end_at, one)))

    def _close(self, one: QualitySlice) -> QualityWindow:
        window = self._windows.pop(one)
        said, came = np.array(window.said, float), np.array(window.came, float)
        self.counts.windows += 1
        figures = of_amounts(said, came) if window.is_amount else of_chances(said, came)
        table = [] if window.is_amount else reliability_of(said, came).table()
        number = self.counts.windows
        return QualityWindow(one, number, window.begin_at, window.end_at, figures, table)


class _Written(Struct, frozen=True, array_like=True, gc=False):
    slice: QualitySlice
    is_amount: bool
    begin_at: int
    end_at: int
    said: bytes  # little-endian float32
    came: bytes


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
            return Unusable("a window is not what a window can be")
        monitor._windows[written.slice] = window
    if len(monitor._windows) > rules.slices_max or len(monitor._sources) > rules.sources_max:
        return Unusable("more slices or media sources than the rules allow")
    return monitor


def _written(monitor: QualityMonitor) -> Iterator[_Written]:
    for one, window in monitor._windows.items():
        said, came = (np.array(column, "<f4").tobytes() for column in (window.said, window.came))
        yield _Written(one, window.is_amount, window.begin_at, window.end_at, said, came)


def _read(written: _Written) -> _Window | None:
    window = _Window(written.begin_at, written.is_amount)
    window.end_at = written.end_at
    if len(written.said) % 4 or len(written.said) != len(written.came) or not written.said:
        return None
    said, came = (np.frombuffer(column, "<f4") for column in (written.said, written.came))
    top = _AMOUNT_MAX if written.is_amount else 1.0
    bottom = -_AMOUNT_MAX if written.is_amount else 0.0
    is_usable = ((said >= 0.0) & (said <= top) & (came >= bottom) & (came <= top)).all()
    window.said.extend(said.tolist())
    window.came.extend(came.tolist())
    return window if is_usable else None
