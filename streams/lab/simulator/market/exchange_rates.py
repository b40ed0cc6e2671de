"""Daily exchange rates between the dollar and the currencies of countries; none at weekends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from schemas.time import DAY_MS, HOUR_MS
from streams.lab.simulator.draws import IntColumn, generator
from streams.lab.simulator.market.market import COUNTRIES
from streams.lab.simulator.scenario import Scenario

_SHARE_MAX = 0.005  # of all events: a short simulation states only the rates of the first days
_RESTATED_SHARE = 0.05
_VOLATILITY = 0.004  # standard deviation of a day's relative change
_DIGITS_E9 = 100_000  # rates have four decimals, like those of central banks
_UNITS_PER_USD = {one.currency: one.units_per_usd for one in COUNTRIES if one.currency != "USD"}
QUOTED_CURRENCIES = tuple(sorted(_UNITS_PER_USD))


@dataclass(frozen=True, slots=True)
class ExchangeRates:
    """One element per statement of a rate."""

    currency: IntColumn  # index into QUOTED_CURRENCIES
    day: IntColumn  # days since the start
    revision: IntColumn
    rate_e9: IntColumn  # dollars per unit if that is more than one, else units per dollar
    log_time: IntColumn


def make_exchange_rates(scenario: Scenario) -> ExchangeRates:
    rng = generator(scenario.seed, "rates")
    shape = (scenario.days, len(QUOTED_CURRENCIES))
    walk = np.cumsum(rng.normal(0.0, _VOLATILITY, shape), axis=0)
    price = np.array([_stated(currency) for currency in QUOTED_CURRENCIES]) * np.exp(walk)
    days = np.arange(scenario.days)
    first_weekday = (scenario.start_ms // DAY_MS + 3) % 7  # Monday: 0
    stated = days[(days == 0) | ((first_weekday + days) % 7 < 5)]
    cell = (stated[:, None] * len(QUOTED_CURRENCIES) + np.arange(len(QUOTED_CURRENCIES))).ravel()
    cell = cell[: int(scenario.good * _SHARE_MAX / (1.0 + _RESTATED_SHARE))]
    again = cell[rng.random(len(cell)) < _RESTATED_SHARE]
    revision = np.r_[np.zeros(len(cell), np.int64), np.ones(len(again), np.int64)]
    cell = np.r_[cell, again]
    error = np.where(revision == 0, 1.0 + 0.002 * np.isin(cell, again), 1.0)
    day = cell // len(QUOTED_CURRENCIES)
    known = scenario.start_ms + (day + revision) * DAY_MS + 16 * HOUR_MS
    log_time = known + rng.integers(0, HOUR_MS, len(cell))
    return ExchangeRates(
        currency=cell % len(QUOTED_CURRENCIES),
        day=day,
        revision=revision,
        rate_e9=np.rint(price.ravel()[cell] * error * 1e9 / _DIGITS_E9).astype(np.int64)
        * _DIGITS_E9,
        log_time=np.minimum(log_time, scenario.end_ms - 1),
    )


def currency_pair(currency: str) -> tuple[str, str]:
    """Base and quote: the heavier currency is the base."""
    return ("USD", currency) if _UNITS_PER_USD[currency] > 1.0 else (currency, "USD")


def _stated(currency: str) -> float:
    units = _UNITS_PER_USD[currency]
    return units if units > 1.0 else 1.0 / units
