"""People who install: from where, when, how likely to pay, and what identifies them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from streams.lab.simulator.draws import (
    BoolColumn,
    FloatColumn,
    IntColumn,
    generator,
    hour_weights,
    logged,
    pick,
    sigmoid,
    split,
)
from streams.lab.simulator.market.market import COUNTRIES, MARKET_APPS, FraudKind, Market
from streams.lab.simulator.scenario import Scenario

NO_TOUCH = -1
_PAYER_LOGIT = -2.75
_IOS_LOGIT = 0.4
_LATENT_WEIGHT = 0.9
_DEVICE_ID_SHARE_ANDROID = 0.82
_DEVICE_ID_SHARE_IOS = 0.28  # the others did not allow tracking
_INJECTED_SHARE = 0.04
_FLOODED_SHARE = 0.10  # of organic installs
_SHARED_ACCOUNT_SHARE = 0.03  # of accounts: a second device of somebody who has the app already
_VIEW_LEAD_HOURS = 6.0
# 75 % of installs come within an hour of their click, 94 % within a day.
_CLICK_LEAD_LOG_MEAN = -2.43
_CLICK_LEAD_LOG_SPREAD = 3.6
_LEAD_MS_MIN = 40 * SECOND_MS


class AccountLink(IntEnum):
    """When an install reports the account of its user."""

    NEVER = 0
    AT_INSTALL = 1
    IN_SESSION = 2


@dataclass(frozen=True, slots=True)
class Installs:
    """One element per install, by time of first open."""

    time: IntColumn
    log_time: IntColumn
    begin_time: IntColumn  # the download began
    app: IntColumn
    country: IntColumn
    is_ios: BoolColumn
    has_device_id: BoolColumn
    placement: IntColumn  # of the touchpoint that caused it, or ORGANIC
    is_click: BoolColumn  # caused by a click, not by a view
    touch_time: IntColumn  # of that touchpoint; for organic installs a time before the install
    latent: FloatColumn  # how much this person likes the app; behaviour shows it
    payer_probability: FloatColumn  # pays within 7 days, knowing the person
    payer_probability_at_install: FloatColumn  # the same, knowing only what is known at install
    fraud: IntColumn
    account: IntColumn
    account_owner: IntColumn  # index of the install whose account it is

    def __len__(self) -> int:
        return len(self.time)


def make_installs(scenario: Scenario, market: Market) -> Installs:
    size = round(scenario.good * scenario.install_share)
    rng = generator(scenario.seed, "installs")
    is_organic = rng.random(size) < scenario.organic_share
    placement = np.where(is_organic, NO_TOUCH, pick(rng, market.install_weight, size))
    app = np.where(is_organic, pick(rng, _shares_of_apps(), size), market.app[placement])
    country = pick(rng, np.array([one.share for one in COUNTRIES]), size)
    is_ios = rng.random(size) < np.array([one.ios_share for one in COUNTRIES])[country]
    device_share = np.where(is_ios, _DEVICE_ID_SHARE_IOS, _DEVICE_ID_SHARE_ANDROID)
    has_device_id = rng.random(size) < device_share
    is_click = ~is_organic & (rng.random(size) >= market.view_driven_share[placement])
    time = _times(rng, scenario, size)
    lead = _leads(rng, is_click, time - scenario.start_ms)
    latent = rng.normal(0.0, 1.0, size)
    logit = _known_logit(market, placement, app, country, is_ios)
    account = _accounts(rng, latent)
    return Installs(
        time=time,
        log_time=logged(rng, scenario, time),
        begin_time=time
        - 20 * SECOND_MS
        - ((lead - 30 * SECOND_MS) * rng.random(size) * 0.5)
        .clip(0, 10 * MINUTE_MS)
        .astype(np.int64),
        app=app,
        country=country,
        is_ios=is_ios,
        has_device_id=has_device_id,
        placement=placement,
        is_click=is_click,
        touch_time=time - lead,
        latent=latent,
        payer_probability=sigmoid(logit + _LATENT_WEIGHT * latent),
        payer_probability_at_install=_averaged(logit),
        fraud=_frauds(rng, is_organic, has_device_id & ~is_ios & (not scenario.is_clean)),
        account=account,
        account_owner=_owners(rng, app, account),
    )


def _shares_of_apps() -> FloatColumn:
    return np.array([one.share for one in MARKET_APPS])


def _times(rng: np.random.Generator, scenario: Scenario, size: int) -> IntColumn:
    hours = scenario.acquisition_ms // HOUR_MS
    # The first hour has touchpoints only.
    weights = hour_weights(scenario.start_ms, hours)
    weights[0] = 0.0
    hour = np.repeat(np.arange(hours), split(rng, size, weights))
    return np.sort(scenario.start_ms + hour * HOUR_MS + rng.integers(0, HOUR_MS, size))


def _leads(rng: np.random.Generator, is_click: BoolColumn, age: IntColumn) -> IntColumn:
    """Time from touchpoint to first open, within the usual lookback windows and the simulation."""
    size = len(is_click)
    click = rng.lognormal(_CLICK_LEAD_LOG_MEAN, _CLICK_LEAD_LOG_SPREAD, size)
    view = rng.exponential(_VIEW_LEAD_HOURS, size).clip(0.0, 23.9)
    lead = np.where(is_click, click.clip(0.0, 6.9 * 24), view) * HOUR_MS + _LEAD_MS_MIN
    short = _LEAD_MS_MIN + rng.random(size) * (age - _LEAD_MS_MIN)
    return np.where(lead < age, lead, short).astype(np.int64)


def _known_logit(
    market: Market, placement: IntColumn, app: IntColumn, country: IntColumn, is_ios: BoolColumn
) -> FloatColumn:
    by_source = np.where(placement == NO_TOUCH, 0.25, market.payer_logit[placement])
    by_app = np.array([one.payer_logit for one in MARKET_APPS])[app]
    by_country = np.array([one.payer_logit for one in COUNTRIES])[country]
    logit: FloatColumn = _PAYER_LOGIT + by_source + by_app + by_country + _IOS_LOGIT * is_ios
    return logit


def _averaged(logit: FloatColumn) -> FloatColumn:
    """Payer probability, averaged over `latent`, which is standard normal."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(9)
    shares = weights / weights.sum()
    averaged: FloatColumn = np.zeros(len(logit))
    for node, share in zip(nodes.tolist(), shares.tolist(), strict=True):
        averaged = averaged + share * sigmoid(logit + _LATENT_WEIGHT * node)
    return averaged


def _frauds(rng: np.random.Generator, is_organic: BoolColumn, is_exposed: BoolColumn) -> IntColumn:
    """Fraud needs a device id. Flooding claims organic installs, injection any."""
    draw = rng.random(len(is_organic))
    injected = is_exposed & (draw < _INJECTED_SHARE)
    flooded = is_exposed & is_organic & ~injected & (draw > 1.0 - _FLOODED_SHARE)
    return np.where(
        injected,
        int(FraudKind.CLICK_INJECTION),
        np.where(flooded, int(FraudKind.CLICK_FLOODING), int(FraudKind.NONE)),
    ).astype(np.int64)


def _accounts(rng: np.random.Generator, latent: FloatColumn) -> IntColumn:
    has_account = rng.random(len(latent)) < sigmoid(-0.3 + 0.8 * latent)
    at_install = rng.random(len(latent)) < 0.2
    kind = np.where(at_install, int(AccountLink.AT_INSTALL), int(AccountLink.IN_SESSION))
    return np.where(has_account, kind, int(AccountLink.NEVER)).astype(np.int64)


def _owners(rng: np.random.Generator, app: IntColumn, account: IntColumn) -> IntColumn:
    """The install whose account it is: mostly the same one, sometimes an earlier one."""
    owner = np.arange(len(app))
    for number in range(len(MARKET_APPS)):
        known = np.flatnonzero((app == number) & (account != AccountLink.NEVER))
        earlier = known[(np.arange(len(known)) * rng.random(len(known))).astype(np.int64)]
        is_shared = rng.random(len(known)) < _SHARED_ACCOUNT_SHARE
        owner[known] = np.where(is_shared, earlier, known)
    return owner


def lifetime_left(scenario: Scenario, installs: Installs) -> FloatColumn:
    """Milliseconds from each install to the end."""
    return (scenario.end_ms - 1 - installs.time).astype(float)


def liveliness_ms(installs: Installs) -> FloatColumn:
    """Mean time in ms that an install stays in use; people who like the app stay longer."""
    lively: FloatColumn = 2.5 * DAY_MS * np.exp(0.5 * installs.latent)
    return lively
