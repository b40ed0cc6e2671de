"""What has to be read and must count nowhere: tests of developers, sales that no store backs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from schemas.time import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from streams.lab.simulator.draws import IntColumn, generator, logged
from streams.lab.simulator.people.installs import Installs
from streams.lab.simulator.people.money import MoneyTable, PaymentKind
from streams.lab.simulator.scenario import Scenario


class UncountedKind(IntEnum):
    SANDBOX_INSTALL = 0
    SANDBOX_PURCHASE = 1
    INVALID_RECEIPT = 2
    PENDING = 3  # reported before the purchase that counts, under the same transaction


@dataclass(frozen=True, slots=True)
class UncountedTable:
    """One element per message; its index is its number, from which its ids are made."""

    kind: IntColumn
    about: IntColumn  # an install; for SANDBOX_PURCHASE a number here, for PENDING a payment
    time: IntColumn
    log_time: IntColumn


def make_uncounted(scenario: Scenario, installs: Installs, money: MoneyTable) -> UncountedTable:
    """Draw exactly `scenario.uncounted` messages: a quarter of each kind, or more invalid receipts
    where few purchases leave few to be pending."""
    rng = generator(scenario.seed, "uncounted")
    quarter = scenario.uncounted // 4
    testers = rng.integers(0, len(installs), quarter)
    tested = rng.integers(scenario.start_ms, scenario.end_ms, quarter)
    bought = tested + rng.integers(MINUTE_MS, HOUR_MS, quarter)
    purchases = np.flatnonzero(money.kind == PaymentKind.PURCHASE)
    pending = rng.choice(purchases, min(quarter, len(purchases)), replace=False)
    started = money.time[pending] - rng.integers(SECOND_MS, 4 * MINUTE_MS, len(pending))
    cheats = rng.integers(0, len(installs), scenario.uncounted - 2 * quarter - len(pending))
    cheated = installs.time[cheats] + rng.integers(5 * MINUTE_MS, 2 * DAY_MS, len(cheats))
    counts = (quarter, quarter, len(cheats), len(pending))
    time = np.minimum(np.r_[tested, bought, cheated, started], scenario.end_ms - 1)
    log_time = logged(rng, scenario, time)
    before = len(time) - len(pending)
    log_time[before:] = np.minimum(log_time[before:], money.log_time[pending] - 1)
    return UncountedTable(
        kind=np.repeat(np.array(list(UncountedKind), np.int64), counts),
        about=np.r_[testers, np.arange(quarter), cheats, pending],
        time=time,
        log_time=log_time,
    )
