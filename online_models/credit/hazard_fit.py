"""Fits the additive hazard to a window of paths, by expectation and maximisation.

Each step credits every install by the rates so far, and then sets each effect to the installs
credited to it over its exposure. That is the multiplicative update of a Poisson regression with
identity link: it has no learning rate to tune, never goes below zero, and no step makes the fit
worse. The baseline is fitted to the installs that are left, by Newton's method.

Nothing here is random and no sum depends on threads, so equal windows give equal models.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from online_models.credit.exposures import PersonStanding, Strength
from online_models.credit.hazard import POOLED, ChannelEffect, CreditHazard, regressors
from online_models.credit.window import PathWindow, StandingCell

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]

# Bound of the time of a fit: a start from the last model needs far fewer steps.
STEPS_MAX = 200
MOVED_MIN = 1e-5
"""Fitting stops when a step moves no more than this share of the credit."""

PRIOR_DAYS = 10.0
"""Each effect is shrunk to the mean of its kind, as by so many days of strength 1."""

_PRIOR_INSTALLS = 0.5
"""Prior installs of each app, so that an app without installs has a rate as well."""

MEMORY_OF_MEAN = 1e-3
"""No effect starts below this share of the mean."""

# Newton steps are held to this, so that a step on few installs does not overshoot.
SLOPE_STEP_MAX = 1.0
SLOPE_RIDGE = 1.0
# Logs of rates stay below this, so that no step overflows.
LOG_RATE_MAX = 20.0
KINDS = 4
"""Impressions that fade fast and slowly, clicks that fade fast and slowly."""


def fit_hazard(window: PathWindow, start: CreditHazard | None) -> CreditHazard:
    """Fit a window of paths. `start`: a model to begin with, which may know fewer apps and
    channels; None: from the means."""
    seen = _Seen(window)
    fitted = _Fit(seen, window, start)
    for _ in range(STEPS_MAX):
        if fitted.step() <= MOVED_MIN:
            break
    return fitted.model(window)


class _Seen:
    """A window as arrays: the exposure of all paths, and the state of each install."""

    def __init__(self, window: PathWindow) -> None:
        installs = [install for block in window.blocks for install in block.installs]
        days = _days(window)
        for install in installs:
            days.setdefault(install.cell, 0.0)
        cells = sorted(days)
        self.days = np.array([days[cell] for cell in cells])
        self.app = np.array([app for app, _, _ in cells], np.int64)
        slopes = [regressors(PersonStanding(level, priors)) for _, level, priors in cells]
        self.regressors = np.array(slopes, np.float64).reshape(-1, 2)
        self.exposure = _exposure(window)
        number = {cell: index for index, cell in enumerate(cells)}
        self.cell = np.array([number[install.cell] for install in installs], np.int64)
        self.weight = np.array([install.weight for install in installs], np.float64)
        table = np.array(
            [
                (owner, KINDS * channel + 2 * is_click, fast, slow)
                for owner, install in enumerate(installs)
                for channel, is_click, fast, slow in install.strengths
            ],
            np.float64,
        ).reshape(-1, 4)
        coordinate = table[:, 1].astype(np.int64)
        self.owner = np.concatenate([table[:, 0], table[:, 0]]).astype(np.int64)
        self.coordinate = np.concatenate([coordinate, coordinate + 1])
        self.strength = np.concatenate([table[:, 2], table[:, 3]])


class _Fit:
    """Parameters while they are fitted: by app, by slope, and by coordinate of an effect."""

    def __init__(self, seen: _Seen, window: PathWindow, start: CreditHazard | None) -> None:
        self._seen = seen
        self._apps = len(window.names.apps)
        rate = _ratio(0.5 * float(seen.weight.sum()), float(seen.days.sum()))
        self.levels = np.full(self._apps, math.log(rate))
        self.slopes = np.zeros(2)
        mean = _ratio(0.5 * float(seen.weight.sum()), float(seen.exposure.sum()))
        self.effects = np.full(len(seen.exposure), mean)
        if start is not None:
            self._start_from(start, window)

    def step(self) -> float:
        """One step of expectation and maximisation; returns the share of the credit that moved."""
        seen = self._seen
        baseline = self._baseline()
        parts = self.effects[seen.coordinate] * seen.strength
        added = _sums(seen.owner, parts, len(seen.weight))
        organic = baseline[seen.cell]
        per_rate = seen.weight / np.maximum(organic + added, 1e-300)
        credit = _sums(seen.coordinate, parts * per_rate[seen.owner], len(self.effects))
        left = _sums(seen.cell, organic * per_rate, len(baseline))
        before = self.effects * seen.exposure
        self.effects = self._maximised(credit)
        self._fit_baseline(left)
        return _ratio(
            float(np.abs(self.effects * seen.exposure - before).sum()), float(seen.weight.sum())
        )

    def model(self, window: PathWindow) -> CreditHazard:
        rates = self.effects.reshape(-1, KINDS)
        effects = {
            name: _channel_effect(rates[code]) for name, code in window.names.channels.items()
        }
        pooled = self._pooled(self.effects * self._seen.exposure)
        effects[POOLED, POOLED] = _channel_effect(pooled)
        levels = {app_id: float(self.levels[code]) for app_id, code in window.names.apps.items()}
        levels[POOLED] = self._pooled_level()
        return CreditHazard(levels, float(self.slopes[0]), float(self.slopes[1]), effects)

    def _start_from(self, start: CreditHazard, window: PathWindow) -> None:
        for app_id, code in window.names.apps.items():
            self.levels[code] = start.levels.get(app_id, start.levels[POOLED])
        self.slopes = np.array([start.intent_slope, start.prior_slope])
        for name, code in window.names.channels.items():
            known = start.effects.get(name)
            if known is not None:
                at = KINDS * code
                # A step multiplies: an effect of zero would stay zero for ever.
                least = MEMORY_OF_MEAN * self.effects[at]
                self.effects[at : at + KINDS] = np.maximum([*known.impression, *known.click], least)

    def _baseline(self) -> _Floats:
        return _exp(self.levels[self._seen.app] + self._log_slopes())

    def _maximised(self, credit: _Floats) -> _Floats:
        prior = np.tile(self._pooled(credit), len(credit) // KINDS)
        return np.asarray((credit + PRIOR_DAYS * prior) / (self._seen.exposure + PRIOR_DAYS))

    def _pooled(self, credit: _Floats) -> _Floats:
        """Mean effect of each kind and rate of fading."""
        exposure = self._seen.exposure.reshape(-1, KINDS).sum(axis=0)
        whole = credit.reshape(-1, KINDS).sum(axis=0)
        return _over(whole, exposure)

    def _pooled_level(self) -> float:
        expected = float((self._baseline() * self._seen.days).sum())
        without_levels = float((_exp(self._log_slopes()) * self._seen.days).sum())
        return math.log(_ratio(expected, without_levels))

    def _log_slopes(self) -> _Floats:
        x = self._seen.regressors
        return np.asarray(x[:, 0] * self.slopes[0] + x[:, 1] * self.slopes[1])

    def _fit_baseline(self, left: _Floats) -> None:
        """One step of a Poisson regression of the installs that are left, with a level per app."""
        seen = self._seen
        expected = self._baseline() * seen.days
        by_app = _sums(seen.app, expected, self._apps)
        installs = _sums(seen.app, left, self._apps)
        share = (installs + _PRIOR_INSTALLS) / (by_app + _PRIOR_INSTALLS)
        self.levels = self.levels + np.array([math.log(one) for one in share.tolist()])
        expected = expected * share[seen.app]
        x = [seen.regressors[:, slope] for slope in (0, 1)]
        gradient = [
            float(((left - expected) * x[i]).sum() - SLOPE_RIDGE * self.slopes[i]) for i in (0, 1)
        ]
        # Curvature after the levels have followed: around the mean of each app.
        means = [_over(_sums(seen.app, expected * one, self._apps), by_app * share) for one in x]
        centred = [column - mean[seen.app] for column, mean in zip(x, means, strict=True)]
        curvature = [float((expected * centred[i] * centred[j]).sum()) for i, j in _PAIRS]
        self.slopes = self.slopes + _newton_step(gradient, curvature)


_PAIRS = ((0, 0), (0, 1), (1, 1))


def _newton_step(gradient: list[float], curvature: list[float]) -> _Floats:
    a, b, d = curvature[0] + SLOPE_RIDGE, curvature[1], curvature[2] + SLOPE_RIDGE
    determinant = a * d - b * b
    first = (d * gradient[0] - b * gradient[1]) / determinant
    second = (a * gradient[1] - b * gradient[0]) / determinant
    return np.asarray(np.clip([first, second], -SLOPE_STEP_MAX, SLOPE_STEP_MAX), np.float64)


def _exp(logs: _Floats) -> _Floats:
    return np.array([math.exp(min(log, LOG_RATE_MAX)) for log in logs.tolist()], np.float64)


def _sums(codes: _Ints, amounts: _Floats, count: int) -> _Floats:
    return np.asarray(np.bincount(codes, amounts, count), np.float64)


def _over(parts: _Floats, whole: _Floats) -> _Floats:
    """Element by element; 0 where the whole is 0."""
    return np.asarray(np.divide(parts, whole, out=np.zeros_like(parts), where=whole > 0))


def _channel_effect(rates: _Floats) -> ChannelEffect:
    numbers = rates.tolist()
    return ChannelEffect(Strength(*numbers[:2]), Strength(*numbers[2:]))


def _days(window: PathWindow) -> dict[StandingCell, float]:
    days: dict[StandingCell, float] = {}
    for block in window.blocks:
        for cell, spent in block.days.items():
            days[cell] = days.get(cell, 0.0) + spent
    return days


def _exposure(window: PathWindow) -> _Floats:
    exposure = np.zeros(KINDS * len(window.names.channels))
    for block in window.blocks:
        for (channel, is_click), (fast, slow) in block.exposure.items():
            at = KINDS * channel + 2 * is_click
            exposure[at] += fast
            exposure[at + 1] += slow
    return exposure


def _ratio(part: float, whole: float) -> float:
    return max(part, 1e-9) / max(whole, 1e-9)
