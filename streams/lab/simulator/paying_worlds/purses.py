"""How much people pay, and how often again. Only payments show what kind of customer somebody is.

None of these is of the value model's own kind: kinds are few and hidden, each with a rate and a
price level of its own, and every payment says more about who made it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from streams.lab.simulator.draws import FloatColumn, IntColumn
from streams.lab.simulator.paying_worlds.chances import normal_cdf


class Prices(Protocol):
    """Amounts of payments in USD, before factors of country and season."""

    @property
    def mean(self) -> FloatColumn:
        """Mean amount of each kind."""

    def drawn(self, kind: IntColumn, share: FloatColumn) -> FloatColumn:
        """Amounts at quantiles `share`."""

    def log_density(self, amount: FloatColumn) -> FloatColumn:
        """Amount × kind, up to a term that does not depend on the kind."""


@dataclass(frozen=True, slots=True)
class Purse:
    """Kinds of customers, from thrifty to lavish."""

    usual: FloatColumn  # log weight of each kind
    lean: FloatColumn  # how much the log weight rises with spend
    per_day: FloatColumn  # payments after the first one
    prices: Prices

    def chances(self, spend: FloatColumn) -> FloatColumn:
        """Install × kind."""
        weight = np.exp(self.usual + np.multiply.outer(spend, self.lean))
        return np.asarray(weight / weight.sum(axis=1, keepdims=True))


@dataclass(frozen=True, slots=True)
class Lognormal:
    """Any amount, as in a shop with many prices."""

    median: FloatColumn
    spread: float

    @property
    def mean(self) -> FloatColumn:
        return np.asarray(self.median * np.exp(self.spread**2 / 2))

    def drawn(self, kind: IntColumn, share: FloatColumn) -> FloatColumn:
        return np.asarray(self.median[kind] * np.exp(self.spread * _normal_quantile(share)))

    def log_density(self, amount: FloatColumn) -> FloatColumn:
        off = np.log(amount)[:, None] - np.log(self.median)
        return np.asarray(-(off**2) / (2 * self.spread**2))


@dataclass(frozen=True, slots=True)
class PricePoints:
    """A shop with fixed prices."""

    prices: FloatColumn
    weights: FloatColumn  # kind × price, rows sum to 1

    @property
    def mean(self) -> FloatColumn:
        return np.asarray(self.weights @ self.prices)

    def drawn(self, kind: IntColumn, share: FloatColumn) -> FloatColumn:
        edges = np.cumsum(self.weights, axis=1)[:, :-1]
        return np.asarray(self.prices[(share[:, None] > edges[kind]).sum(axis=1)])

    def log_density(self, amount: FloatColumn) -> FloatColumn:
        which = np.abs(amount[:, None] - self.prices).argmin(axis=1)
        return np.asarray(np.log(self.weights[:, which].T))


@dataclass(frozen=True, slots=True)
class Pareto:
    """A few payments are most of the revenue; none is above `ratio_max` times the least."""

    least: FloatColumn
    exponent: float
    ratio_max: float

    @property
    def mean(self) -> FloatColumn:
        a, top = self.exponent, self.ratio_max
        ratio = a / (a - 1) * (1 - top ** (1 - a)) / (1 - top**-a)
        return np.asarray(self.least * ratio)

    def drawn(self, kind: IntColumn, share: FloatColumn) -> FloatColumn:
        left = 1.0 - share * (1.0 - self.ratio_max**-self.exponent)
        return np.asarray(self.least[kind] * left ** (-1.0 / self.exponent))

    def log_density(self, amount: FloatColumn) -> FloatColumn:
        ratio = amount[:, None] / self.least
        inside = (ratio >= 1.0 - 1e-9) & (ratio <= self.ratio_max * (1.0 + 1e-9))
        return np.where(inside, self.exponent * np.log(self.least), -1e6)


_GRID = np.linspace(-8.0, 8.0, 16_001)
_GRID_SHARE = normal_cdf(_GRID)


def _normal_quantile(share: FloatColumn) -> FloatColumn:
    return np.asarray(np.interp(share, _GRID_SHARE, _GRID))


PURSES: dict[str, Purse] = {
    "frailty": Purse(
        usual=np.log([0.38, 0.33, 0.2, 0.075, 0.015]),
        lean=np.array([-0.7, -0.2, 0.3, 0.8, 1.1]),
        per_day=np.array([0.003, 0.012, 0.04, 0.10, 0.25]),
        prices=Lognormal(np.array([2.0, 4.0, 8.0, 16.0, 45.0]), 0.6),
    ),
    "agents": Purse(
        usual=np.log([0.5, 0.3, 0.15, 0.05]),
        lean=np.array([-0.6, 0.0, 0.6, 1.2]),
        per_day=np.array([0.004, 0.03, 0.08, 0.22]),
        prices=PricePoints(
            np.array([0.99, 4.99, 9.99, 19.99, 99.99]),
            np.array(
                [
                    [0.72, 0.22, 0.04, 0.015, 0.005],
                    [0.30, 0.45, 0.18, 0.06, 0.01],
                    [0.12, 0.33, 0.33, 0.18, 0.04],
                    [0.04, 0.16, 0.30, 0.32, 0.18],
                ]
            ),
        ),
    ),
    "renewal": Purse(
        usual=np.log([0.45, 0.25, 0.22, 0.08]),
        lean=np.array([-0.5, 0.1, 0.5, 0.8]),
        per_day=np.array([0.001, 1 / 30, 1 / 7, 0.08]),
        prices=PricePoints(
            np.array([2.99, 4.99, 12.99, 59.99]),
            np.array(
                [
                    [0.70, 0.15, 0.10, 0.05],
                    [0.05, 0.05, 0.88, 0.02],
                    [0.05, 0.92, 0.02, 0.01],
                    [0.10, 0.20, 0.40, 0.30],
                ]
            ),
        ),
    ),
    "diffusion": Purse(
        usual=np.log([0.55, 0.3, 0.13, 0.02]),
        lean=np.array([-0.6, 0.1, 0.6, 1.0]),
        per_day=np.array([0.002, 0.02, 0.07, 0.2]),
        prices=Pareto(np.array([1.0, 2.0, 4.0, 10.0]), 2.1, 100.0),
    ),
}
"""By name of the paying world."""
