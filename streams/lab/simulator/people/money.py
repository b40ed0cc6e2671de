"""What people pay: purchases and subscriptions, refunds, and revenue from advertisements."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from schemas.time import DAY_MS, MINUTE_MS, SECOND_MS
from streams.lab.simulator.draws import (
    BoolColumn,
    FloatColumn,
    IntColumn,
    generator,
    logged,
    ordinals,
    split,
    waits,
)
from streams.lab.simulator.market.market import COUNTRIES, MARKET_APPS
from streams.lab.simulator.people.installs import (
    AccountLink,
    Installs,
    lifetime_left,
    liveliness_ms,
)
from streams.lab.simulator.scenario import Scenario

_PURCHASES_MAX = 40  # of one install
_PURCHASE_SHARE_MAX = 0.8  # of payments; revenue from advertisements needs some room
_LATE_PAYER_SHARE = 0.2  # of the chance to pay within 7 days: the chance to pay in the week after
_REFUND_SHARE = 0.03
_EARLY_REFUND_SHARE = 0.05  # of refunds: logged before their purchase
_STRANGER_SHARE = 0.003  # of payments: by accounts that no install ever tells
_BY_ACCOUNT_SHARE = 0.5  # of payments of linked accounts: server to server, account only
_WHALE_SHARE = 0.02
_RENEWS = 0.7


class PaymentKind(IntEnum):
    PURCHASE = 0
    SUBSCRIPTION = 1
    REFUND = 2
    AD_REVENUE = 3
    STRANGER = 4  # a purchase of an account that never installs


@dataclass(frozen=True, slots=True)
class MoneyTable:
    """One element per payment; its index is its number, from which its ids are made."""

    install: IntColumn
    kind: IntColumn
    time: IntColumn
    log_time: IntColumn
    amount_micros: IntColumn  # of the currency of the country; for AD_REVENUE of USD
    ordinal: IntColumn  # how many payments of this install came before
    purchase: IntColumn  # for a refund: the number of what it takes back
    by_account: BoolColumn


_Columns = tuple[
    IntColumn, IntColumn, IntColumn, IntColumn, IntColumn, IntColumn
]  # install … ordinal, as in MoneyTable


def make_money(scenario: Scenario, installs: Installs, payments: int) -> MoneyTable:
    """Draw exactly `payments` payments."""
    rng = generator(scenario.seed, "money")
    strangers = _strangers(rng, scenario, installs, round(payments * _STRANGER_SHARE))
    bought = _purchases(rng, scenario, installs, int(payments * _PURCHASE_SHARE_MAX))
    refunds, refunded = _refunds(rng, scenario, bought)
    used = len(strangers[0]) + len(bought[0]) + len(refunds[0])
    shown = _ad_revenue(rng, scenario, installs, payments - used)
    columns = [np.concatenate(c) for c in zip(bought, refunds, shown, strangers, strict=True)]
    purchase = np.full(len(columns[0]), -1, np.int64)
    purchase[len(bought[0]) : len(bought[0]) + len(refunded)] = refunded
    install, kind, time, log_time, amount_micros, ordinal = columns
    is_linked = installs.account[install] != AccountLink.NEVER
    by_account = is_linked & (kind <= PaymentKind.SUBSCRIPTION)
    by_account &= rng.random(len(install)) < _BY_ACCOUNT_SHARE
    return MoneyTable(
        install=install,
        kind=kind,
        time=time,
        log_time=log_time,
        amount_micros=amount_micros,
        ordinal=ordinal,
        purchase=purchase,
        by_account=by_account,
    )


def _purchases(
    rng: np.random.Generator, scenario: Scenario, installs: Installs, limit: int
) -> _Columns:
    size = len(installs)
    pays_soon = rng.random(size) < installs.payer_probability
    pays_later = rng.random(size) < installs.payer_probability * _LATE_PAYER_SHARE
    payer = np.flatnonzero(pays_soon | pays_later)
    soon = waits(rng, np.full(len(payer), 1.5 * DAY_MS), np.full(len(payer), 6.99 * DAY_MS))
    wait = np.where(pays_soon[payer], soon, 7 * DAY_MS + soon) + 5 * MINUTE_MS
    counts = _counts(rng, installs, payer)
    row = np.repeat(np.arange(len(payer)), counts)
    nth = ordinals(row)
    install = payer[row]
    later = np.where(nth > 0, rng.exponential(4.0 * DAY_MS, len(row)), 0.0)
    renewal = _is_subscription(installs)[install]
    since = wait[row] + np.where(renewal, nth * 7 * DAY_MS, later).astype(np.int64)
    time = installs.time[install] + since
    kept = np.flatnonzero(time < scenario.end_ms)
    kept = np.sort(kept[np.argsort(time[kept], kind="stable")][:limit])
    install, time = install[kept], time[kept]
    order = np.lexsort((time, install))
    install, time = install[order], time[order]
    amount = _amounts(rng, installs, payer, counts)[kept]
    kind = np.where(
        _is_subscription(installs)[install], PaymentKind.SUBSCRIPTION, PaymentKind.PURCHASE
    )
    log_time = logged(rng, scenario, time)
    return install, kind.astype(np.int64), time, log_time, amount, ordinals(install)


def _is_subscription(installs: Installs) -> BoolColumn:
    return np.array([one.is_subscription for one in MARKET_APPS])[installs.app]


def _counts(rng: np.random.Generator, installs: Installs, payer: IntColumn) -> IntColumn:
    """How often each payer pays: few pay often."""
    usual = rng.geometric(1.0 / (1.0 + np.exp(0.4 + 0.5 * installs.latent[payer])))
    renewed = rng.geometric(1.0 - _RENEWS, len(payer))
    counts = np.where(_is_subscription(installs)[payer], renewed, usual)
    return np.asarray(counts.clip(1, _PURCHASES_MAX), np.int64)


def _amounts(
    rng: np.random.Generator, installs: Installs, payer: IntColumn, counts: IntColumn
) -> IntColumn:
    """Prices in the currency of the country; a heavy tail of people spends most."""
    typical = np.array([one.price_usd for one in MARKET_APPS])[installs.app[payer]]
    taste = typical * rng.lognormal(0.0, 0.8, len(payer))
    whale = rng.random(len(payer)) < _WHALE_SHARE
    taste = np.where(whale, taste * (1.0 + rng.pareto(1.3, len(payer))).clip(1.0, 50.0), taste)
    usd = np.repeat(taste, counts)
    # A subscription keeps its price; other purchases vary.
    is_fixed = np.repeat(_is_subscription(installs)[payer], counts)
    usd = np.where(is_fixed, usd, usd * rng.lognormal(0.0, 0.5, len(usd)))
    return _priced(usd.clip(0.49, 5_000.0), np.repeat(installs.country[payer], counts))


def _priced(usd: FloatColumn, country: IntColumn) -> IntColumn:
    """Micros of whole hundredths, or of whole yen."""
    units = usd * np.array([one.units_per_usd for one in COUNTRIES])[country]
    is_whole = np.array([one.currency == "JPY" for one in COUNTRIES])[country]
    whole = np.maximum(np.rint(units), 1).astype(np.int64) * 1_000_000
    cents = np.maximum(np.rint(units * 100), 1).astype(np.int64) * 10_000
    return np.asarray(np.where(is_whole, whole, cents), np.int64)


def _refunds(
    rng: np.random.Generator, scenario: Scenario, bought: _Columns
) -> tuple[_Columns, IntColumn]:
    """Refunds, and the purchases they take back. A few are logged before their purchase, whose
    own log time then moves."""
    install, _, time, log_time, amount, ordinal = bought
    refunded = np.flatnonzero(rng.random(len(install)) < _REFUND_SHARE)
    at = time[refunded] + rng.exponential(3.0 * DAY_MS, len(refunded)).astype(np.int64)
    is_early = (rng.random(len(refunded)) < _EARLY_REFUND_SHARE) & (scenario.late_share > 0)
    at = np.where(is_early, time[refunded] + 20 * MINUTE_MS, at)
    kept = at < scenario.end_ms - 1
    refunded, at, is_early = refunded[kept], at[kept], is_early[kept]
    seen = at + rng.exponential(1.0, len(at)).astype(np.int64) * SECOND_MS
    seen = np.maximum(seen, np.where(is_early, 0, log_time[refunded] + 1)).clip(
        0, scenario.end_ms - 1
    )
    early = refunded[is_early]
    after = seen[is_early] + rng.integers(MINUTE_MS, 120 * MINUTE_MS, len(early))
    log_time[early] = np.minimum(after, scenario.end_ms - 1)
    kind = np.full(len(at), int(PaymentKind.REFUND), np.int64)
    columns = (install[refunded], kind, at, seen, -amount[refunded], ordinal[refunded])
    return columns, refunded


def _ad_revenue(
    rng: np.random.Generator, scenario: Scenario, installs: Installs, size: int
) -> _Columns:
    weight = np.array([one.ads_weight for one in MARKET_APPS])[installs.app]
    counts = split(rng, size, weight * np.exp(0.5 * installs.latent))
    install = np.repeat(np.arange(len(installs)), counts)
    left = np.maximum(lifetime_left(scenario, installs)[install] - MINUTE_MS, 1.0)
    time = installs.time[install] + waits(rng, liveliness_ms(installs)[install], left)
    time = np.minimum(time + MINUTE_MS, scenario.end_ms - 1)
    amount = np.maximum(rng.lognormal(9.0, 1.0, len(install)), 10.0).astype(np.int64)
    kind = np.full(len(install), int(PaymentKind.AD_REVENUE), np.int64)
    return install, kind, time, logged(rng, scenario, time), amount, np.zeros_like(install)


def _strangers(
    rng: np.random.Generator, scenario: Scenario, installs: Installs, size: int
) -> _Columns:
    """Their install number only lends them an app and a country."""
    install = rng.integers(0, len(installs), size)
    time = rng.integers(scenario.start_ms, scenario.end_ms, size)
    amount = _priced(rng.lognormal(1.5, 0.8, size).clip(0.49, 500.0), installs.country[install])
    kind = np.full(size, int(PaymentKind.STRANGER), np.int64)
    return install, kind, time, logged(rng, scenario, time), amount, np.zeros_like(install)


def lifetime_value(installs: Installs, money: MoneyTable) -> list[dict[str, int]]:
    """What each install brought, refunds taken off, in micros by currency."""
    values: list[dict[str, int]] = [{} for _ in range(len(installs))]
    codes = [one.currency for one in COUNTRIES]
    country = installs.country.tolist()
    columns = (money.install.tolist(), money.kind.tolist(), money.amount_micros.tolist())
    for install, kind, micros in zip(*columns, strict=True):
        if kind == PaymentKind.STRANGER:
            continue
        currency = "USD" if kind == PaymentKind.AD_REVENUE else codes[country[install]]
        values[install][currency] = values[install].get(currency, 0) + micros
    return values


def paid_within(installs: Installs, money: MoneyTable, limit_ms: int) -> BoolColumn:
    """Which installs bought something within `limit_ms` of their first open."""
    bought = money.kind <= PaymentKind.SUBSCRIPTION
    soon = bought & (money.time - installs.time[money.install] <= limit_ms)
    paid = np.zeros(len(installs), bool)
    paid[money.install[soon]] = True
    return paid
