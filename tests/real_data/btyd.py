"""Buy till you die: the usual way to foretell purchases and their value from a history alone.

BG/NBD (Fader, Hardie and Lee 2005) for how many, gamma-gamma (Fader and Hardie 2013) for how much.
Time is in weeks since a customer's first purchase.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import betaln, gammaln, hyp2f1

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Customers:
    """One element each. Purchases of a day are one."""

    repeats: Floats
    last: Floats  # of the repeats, weeks since the first purchase; 0: none
    age: Floats
    mean: Floats  # of all purchases that cost something, the first one too; 0: none did
    priced: Floats  # how many of these


@dataclass(frozen=True, slots=True)
class BuyTillYouDie:
    r: float
    alpha: float
    a: float
    b: float
    p: float
    q: float
    v: float

    def expected(self, customers: Customers, weeks: Floats | float) -> Floats:
        """Of each customer: how much will be paid in the next weeks."""
        return self.purchases(customers, weeks) * self.price(customers)

    def purchases(self, customers: Customers, weeks: Floats | float) -> Floats:
        """Equation 10 of the paper."""
        r, alpha, a, b = self.r, self.alpha, self.a, self.b
        x, age = customers.repeats, customers.age
        share = (alpha + age) / (alpha + age + weeks)
        series = hyp2f1(r + x, b + x, a + b + x - 1, weeks / (alpha + age + weeks))
        found = (a + b + x - 1) / (a - 1) * (1 - share ** (r + x) * series)
        odds = ((alpha + age) / (alpha + customers.last)) ** (r + x)
        gone = a / (b + np.maximum(x, 1) - 1) * odds
        return np.asarray(found / (1 + np.where(x > 0, gone, 0.0)))

    def price(self, customers: Customers) -> Floats:
        p, q, v, n = self.p, self.q, self.v, customers.priced
        return np.asarray(p * (v + n * customers.mean) / (p * n + q - 1))


def fit(customers: Customers) -> BuyTillYouDie:
    counts = _minimum(lambda logs: -_purchases_fit(np.exp(logs), customers), [0.25, 4.4, 0.8, 2.4])
    paying = customers.priced > 0
    prices = _minimum(
        lambda logs: -_prices_fit(np.exp(logs), customers.priced[paying], customers.mean[paying]),
        [6.0, 4.0, 15.0],
    )
    return BuyTillYouDie(*counts, *prices)


# `cost` is whatever SciPy minimizes.
def _minimum(cost, start: list[float]) -> list[float]:  # type: ignore[no-untyped-def]
    found = minimize(cost, np.log(start), method="L-BFGS-B", bounds=[(-8.0, 8.0)] * len(start))
    return [float(one) for one in np.exp(found.x)]


def _purchases_fit(parameters: Floats, customers: Customers) -> float:
    """Mean log likelihood: equation 6 of the paper."""
    r, alpha, a, b = parameters
    x = customers.repeats
    alive = betaln(a, b + x) - betaln(a, b) - (r + x) * np.log(alpha + customers.age)
    more = np.maximum(x, 1)
    gone = betaln(a + 1, b + more - 1) - betaln(a, b) - (r + x) * np.log(alpha + customers.last)
    either = np.where(x > 0, np.logaddexp(alive, gone), alive)
    return float(np.mean(gammaln(r + x) - gammaln(r) + r * np.log(alpha) + either))


def _prices_fit(parameters: Floats, n: Floats, mean: Floats) -> float:
    p, q, v = parameters
    fits = gammaln(p * n + q) - gammaln(p * n) - gammaln(q) + q * np.log(v)
    fits = fits + (p * n - 1) * np.log(mean) + p * n * np.log(n)
    return float(np.mean(fits - (p * n + q) * np.log(n * mean + v)))
