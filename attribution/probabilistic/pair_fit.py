"""Fits a pair model to installs whose touchpoint is known by an id that the model does not see.

The tables are counts. The calibration is a conditional logit over the candidates of one install
(McFadden, 1974). It is fitted on installs that the tables have not counted, so that it does not
overfit.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from attribution.probabilistic.pair_model import DELAY_BINS, DeviceOdds, PairModel, PlaceOdds
from attribution.probabilistic.pair_score import delay_bin, device_level, place_level, score_pair
from schemas.records import Installed, Touch, TouchKind

SMOOTHING = 1.0
"""Pseudo-count of every level, split into true and other pairs as all pairs are."""

SOURCE_STRENGTH = 10.0
"""Pairs per bin at which the delays of a media source weigh as much as those of all sources."""

RIDGE = 0.5
"""Strength of the prior of the calibration (slope 1, crowding 1, null 0), as a number of
installs."""

NEWTON_STEPS_MAX = 50
"""Newton's method converges in fewer than ten steps; the limit only guarantees an end."""

_START = (1.0, 1.0, 0.0)  # slope, crowding, null

_Vector = tuple[float, float, float]


class KnownMatch(Struct, frozen=True, gc=False):
    """An install, its candidates when ids are hidden, and the touchpoint that the ids name."""

    install: Installed
    touches: list[Touch]
    touch_id: str  # of the touchpoint that led to it; "": none of them


def fit_pair_model(known: Iterable[KnownMatch]) -> PairModel:
    """Fit a model to known matches. ValueError: none of them has a true pair."""
    usable = [one for one in known if one.touches]
    if not any(_truth(one) is not None for one in usable):
        raise ValueError("no install with a known touchpoint among its candidates")
    halves = usable[0::2], usable[1::2]
    tables = _tables(halves[1]), _tables(halves[0])
    groups = [
        _features(one, model) for model, half in zip(tables, halves, strict=True) for one in half
    ]
    slope, crowding, null = _calibrated(groups)
    return replace(_tables(usable), slope=slope, crowding=crowding, null=null)


class _Counts:
    """How often each level occurred in true pairs and in others."""

    def __init__(self) -> None:
        self.true: Counter[str] = Counter()
        self.other: Counter[str] = Counter()

    def add(self, level: str, is_true: bool) -> None:
        (self.true if is_true else self.other)[level] += 1

    def odds(self, levels: Sequence[str]) -> list[float]:
        """Natural log of m/u of each level; 0 for a level that never occurred."""
        true, other = self.true.total(), self.other.total()
        if not true or not other:
            return [0.0] * len(levels)
        unseen_true = SMOOTHING * true / (true + other)
        unseen_other = SMOOTHING - unseen_true
        return [
            math.log((self.true[level] + unseen_true) / true)
            - math.log((self.other[level] + unseen_other) / other)
            for level in levels
        ]


def _tables(known: Sequence[KnownMatch]) -> PairModel:
    place, device, delay = _Counts(), _Counts(), _Counts()
    by_source: dict[str, Counter[str]] = {}
    for match in known:
        truth = _truth(match)
        for number, touch in enumerate(match.touches):
            is_true = number == truth
            place.add(place_level(touch, match.install), is_true)
            device.add(device_level(touch, match.install), is_true)
            waited = _delay_level(touch.kind, delay_bin(touch, match.install))
            delay.add(waited, is_true)
            if is_true:
                by_source.setdefault(touch.media_source, Counter())[waited] += 1
    levels = [_delay_level(kind, number) for kind in TouchKind for number in range(DELAY_BINS)]
    odds = dict(zip(levels, delay.odds(levels), strict=True))
    return PairModel(
        place=_place_odds(place),
        device=_device_odds(device),
        click_delay=_of_kind(odds, TouchKind.CLICK),
        view_delay=_of_kind(odds, TouchKind.IMPRESSION),
        source_delay={
            source: _source_odds(seen, delay.true) for source, seen in sorted(by_source.items())
        },
    )


def _place_odds(counts: _Counts) -> PlaceOdds:
    levels = PlaceOdds.__struct_fields__
    return PlaceOdds(**dict(zip(levels, _rounded(counts.odds(levels)), strict=True)))


def _device_odds(counts: _Counts) -> DeviceOdds:
    levels = DeviceOdds.__struct_fields__
    return DeviceOdds(**dict(zip(levels, _rounded(counts.odds(levels)), strict=True)))


def _of_kind(odds: dict[str, float], kind: TouchKind) -> tuple[float, ...]:
    return _rounded([odds[_delay_level(kind, number)] for number in range(DELAY_BINS)])


def _source_odds(seen: Counter[str], everybody: Counter[str]) -> tuple[float, ...]:
    """Log ratio, per delay bin, of this source to all sources; clicks and views together."""
    odds = []
    for number in range(DELAY_BINS):
        levels = [_delay_level(kind, number) for kind in TouchKind]
        usual = sum(everybody[level] for level in levels) / everybody.total()
        expected = usual * seen.total() + SOURCE_STRENGTH
        odds.append(math.log((sum(seen[level] for level in levels) + SOURCE_STRENGTH) / expected))
    return _rounded(odds)


def _delay_level(kind: TouchKind, number: int) -> str:
    return f"{kind.name} {number}"


def _rounded(odds: Sequence[float]) -> tuple[float, ...]:
    return tuple(round(one, 4) for one in odds)


def _truth(known: KnownMatch) -> int | None:
    for number, touch in enumerate(known.touches):
        if touch.touch_id == known.touch_id:
            return number
    return None


# --- calibration --------------------------------------------------------------------------------


class _Group(Struct, frozen=True, gc=False):
    """The alternatives of one install: every candidate, then "none of them"."""

    choices: list[_Vector]
    chosen: int


def _features(known: KnownMatch, model: PairModel) -> _Group:
    crowd = -math.log(len(known.touches))
    choices = [(score_pair(touch, known.install, model), crowd, 0.0) for touch in known.touches]
    truth = _truth(known)
    return _Group([*choices, (0.0, 0.0, 1.0)], len(known.touches) if truth is None else truth)


def _calibrated(groups: Sequence[_Group]) -> _Vector:
    """Maximise the likelihood by Newton's method; it is concave, so there is one maximum."""
    at = _START
    for _ in range(NEWTON_STEPS_MAX):
        gradient, curvature = _slopes(groups, at)
        step = _solved(curvature, gradient)
        at = (at[0] + step[0], at[1] + step[1], at[2] + step[2])
        if max(map(abs, step)) < 1e-9:
            break
    return round(at[0], 4), round(at[1], 4), round(at[2], 4)


def _slopes(groups: Sequence[_Group], at: _Vector) -> tuple[list[float], list[list[float]]]:
    """Gradient of the log-likelihood, and its negative second derivatives."""
    gradient = [RIDGE * (start - here) for start, here in zip(_START, at, strict=True)]
    curvature = [[RIDGE if row == column else 0.0 for column in range(3)] for row in range(3)]
    for group in groups:
        shares = _softmax([sum(map(float.__mul__, at, choice)) for choice in group.choices])
        mean = [
            math.fsum(
                share * choice[axis] for share, choice in zip(shares, group.choices, strict=True)
            )
            for axis in range(3)
        ]
        for row in range(3):
            gradient[row] += group.choices[group.chosen][row] - mean[row]
            for column in range(3):
                curvature[row][column] += math.fsum(
                    share * (choice[row] - mean[row]) * (choice[column] - mean[column])
                    for share, choice in zip(shares, group.choices, strict=True)
                )
    return gradient, curvature


def _softmax(logits: Sequence[float]) -> list[float]:
    top = max(logits)
    weights = [math.exp(logit - top) for logit in logits]
    total = math.fsum(weights)
    return [weight / total for weight in weights]


def _solved(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Solve three linear equations by Gaussian elimination; the prior keeps them solvable."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for pivot in range(3):
        best = max(range(pivot, 3), key=lambda row: abs(rows[row][pivot]))
        rows[pivot], rows[best] = rows[best], rows[pivot]
        for row in range(3):
            if row != pivot:
                factor = rows[row][pivot] / rows[pivot][pivot]
                rows[row] = [a - factor * b for a, b in zip(rows[row], rows[pivot], strict=True)]
    return [rows[axis][3] / rows[axis][axis] for axis in range(3)]
