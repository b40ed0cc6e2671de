"""What people do after they installed: sessions, in-app events, and the link to an account."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from schemas.time import SECOND_MS
from streams.lab.simulator.draws import (
    BoolColumn,
    IntColumn,
    generator,
    logged,
    ordinals,
    sigmoid,
    split,
    waits,
)
from streams.lab.simulator.people.installs import (
    AccountLink,
    Installs,
    lifetime_left,
    liveliness_ms,
)
from streams.lab.simulator.scenario import Scenario

SESSION = 0
EVENT_NAMES = ("session", "tutorial_completed", "level_reached", "content_viewed", "checkout_begun")
_CHECKOUT = 4
_SESSION_SHARE = 0.55
_LINK_LATE_SHARE = 0.3  # of accounts linked in a session: in the last one seen, not the first


@dataclass(frozen=True, slots=True)
class Usage:
    """One element per session or in-app event, by install, then by time."""

    install: IntColumn
    time: IntColumn
    log_time: IntColumn
    name: IntColumn  # index into EVENT_NAMES
    tells_account: BoolColumn
    duration_ms: IntColumn


def make_usage(scenario: Scenario, installs: Installs) -> Usage:
    rng = generator(scenario.seed, "usage")
    wanted = round(scenario.good * scenario.activity_share)
    counts = split(rng, wanted, np.exp(0.7 * installs.latent))
    install = np.repeat(np.arange(len(installs)), counts)
    stays = liveliness_ms(installs)[install]
    left = np.maximum(lifetime_left(scenario, installs)[install] - 30 * SECOND_MS, SECOND_MS)
    time = installs.time[install] + 30 * SECOND_MS + waits(rng, stays, left)
    time = np.minimum(time, scenario.end_ms - 1)
    time = time[np.lexsort((time, install))]
    return Usage(
        install=install,
        time=time,
        log_time=logged(rng, scenario, time),
        name=_names(rng, installs, install),
        tells_account=_tells_account(rng, installs, install, counts),
        duration_ms=(rng.lognormal(5.0, 1.0, len(install)) * SECOND_MS)
        .clip(0, 2**31 - 1)
        .astype(np.int64),
    )


def reported_accounts(installs: Installs, usage: Usage) -> IntColumn:
    """When installs report their account; an install without a session never does."""
    is_used = np.bincount(usage.install, minlength=len(installs)) > 0
    is_silent = (installs.account == AccountLink.IN_SESSION) & ~is_used
    return np.where(is_silent, int(AccountLink.NEVER), installs.account)


def _names(rng: np.random.Generator, installs: Installs, install: IntColumn) -> IntColumn:
    size = len(install)
    other = rng.integers(1, _CHECKOUT, size)
    buys = rng.random(size) < sigmoid(-1.5 + installs.latent[install])
    in_app = np.where(buys, _CHECKOUT, other)
    return np.where(rng.random(size) < _SESSION_SHARE, SESSION, in_app).astype(np.int64)


def _tells_account(
    rng: np.random.Generator, installs: Installs, install: IntColumn, counts: IntColumn
) -> BoolColumn:
    """Whether each event carries the account: those from the linking session on do."""
    is_late = rng.random(len(installs)) < _LINK_LATE_SHARE
    first = np.where(is_late, np.maximum(counts - 1, 0), 0)
    linked = ordinals(install) >= first[install]
    kind = installs.account[install]
    tells: BoolColumn = (kind == AccountLink.AT_INSTALL) | (
        (kind == AccountLink.IN_SESSION) & linked
    )
    return tells
