"""However far log time leaps, who is told of money late is not forgotten before."""

from __future__ import annotations

import random

import orjson
import pytest

from schemas import topics
from schemas.time import DAY_MS, HOUR_MS
from tests.simulation.oracle import invariants, projection
from tests.simulation.scenarios.scenario import STARTS_AT, Draft, Scenario, written
from tests.simulation.topology.machines import stage_rules
from tests.simulation.topology.topology import Topology

SEEDS = range(2)
RESTORED = ["sale-1", "sale-1"]
RESTORE_RESTORED = ["sale-1", "sale-2"]
"""What each further purchase names as its original."""


def _event(kind: str, name: str, time: int, **fields: object) -> bytes:
    common = {"type": kind, "schema_version": 1, "event_id": name, "app_id": "app.one"}
    return orjson.dumps(common | {"event_time": time} | fields)


def story(originals: list[str], *, by_account: bool) -> list[Draft]:
    """Everybody installs, signs in and pays, the restores before what they restore; a refund."""
    drafts = []
    for n in range(1, len(originals) + 2):
        who, account = f"install-{n}", f"user-{n}"
        fields = {"install_id": who, "platform": "android", "customer_user_id": account}
        time = STARTS_AT + n
        value = _event("install", who, time, **fields)
        drafts.append(Draft(topics.INSTALLS.name, who, time, value))
        paid = {"transaction_id": f"sale-{n}", "amount_micros": 5_000_000, "currency": "USD"}
        paid |= {"customer_user_id": account} if by_account else {"install_id": who}
        if n > 1:
            paid["original_transaction_id"] = originals[n - 2]
        time = STARTS_AT + HOUR_MS - n
        value = _event("purchase", f"buy-{n}", time, **paid)
        drafts.append(Draft(topics.PAYMENTS.name, who, time, value))
    refund = _event("refund", "back", time, refund_id="back", transaction_id=paid["transaction_id"])
    drafts.append(Draft(topics.PAYMENTS.name, "back", time + HOUR_MS, refund))
    return drafts


def net_revenue(scenario: Scenario, seed: int) -> dict[tuple[str, str, str], int]:
    run = Topology(scenario, stage_rules(seed), seed)
    run.run_disturbed(faults=0)
    stored = projection.tables(run.warehouse.rows)
    invariants.check_accounting(stored, scenario)
    return projection.net_revenue(stored["revenue"])


@pytest.mark.parametrize(
    ("originals", "by_account"),
    [(RESTORED, False), (RESTORED, True), (RESTORE_RESTORED, True)],
    ids=["restored", "restored by accounts", "restores restored by accounts"],
)
def test_restores_are_taken_back_after_a_leap_as_without(
    originals: list[str], by_account: bool
) -> None:
    drafts = story(originals, by_account=by_account)
    for seed in SEEDS:
        chance = random.Random(f"leaps {seed}")
        plain = written(drafts, [], chance)
        last = max(draft.ts for draft in drafts)
        far = Draft(topics.COSTS.name, "far", last + 1_000 * DAY_MS, b"not an event")
        leaps = written([*drafts, far], [], chance)
        assert net_revenue(leaps, seed) == net_revenue(plain, seed)
