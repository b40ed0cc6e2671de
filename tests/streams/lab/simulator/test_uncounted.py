"""Sandbox traffic, invalid receipts and pending sales: they are sent, and no figure counts them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from schemas.time import DAY_MS
from streams.kafka.kcat import KcatRecord
from streams.lab.simulator import Scenario, SimulatedMessage, simulate_traffic, truths
from tests.field.test_dumps_and_money import Rows, replayed, written
from tests.streams.lab.simulator.simulated import SCENARIO, first_reads, is_uncounted, rows

pytest.importorskip("chdb", reason="the embedded store is not installed")

SMALL = replace(Scenario.standard(3_000, seed=7), tick_ms=DAY_MS)
MARKS = (b'"sandbox"', b'"receipt_status":"invalid"', b'"receipt_status":"pending"')
FIGURES = (
    "SELECT app_id, conversion_id, conversion_type, status, media_source, touch_id"
    " FROM v_attributions ORDER BY ALL",
    "SELECT app_id, install_id, media_source, currency, sum(amount) AS paid"
    " FROM v_revenue GROUP BY ALL HAVING paid != 0 ORDER BY ALL",
    "SELECT app_id, day, media_source, campaign_id, installs, payers, revenue"
    " FROM v_campaign_daily ORDER BY ALL",
    "SELECT * FROM v_active_days ORDER BY ALL",
    "SELECT * FROM v_milestones ORDER BY ALL",
)


def sent() -> list[dict[str, Any]]:
    fields = (orjson.loads(one.message.value) for one in first_reads())
    return [one for one in fields if is_uncounted(one)]


def figures(folder: Path, keeps: Callable[[SimulatedMessage], bool]) -> list[Rows]:
    folder.mkdir()
    records = [
        KcatRecord(one.topic, one.partition, None, one.timestamp_ms, one.key, one.value)
        for one in simulate_traffic(SMALL)
        if keeps(one)
    ]
    return replayed(folder, written(folder, records), *FIGURES)[1]


def counts(message: SimulatedMessage) -> bool:
    return not any(mark in message.value for mark in MARKS)


def test_2_percent_are_uncounted_a_quarter_of_each_kind() -> None:
    kinds = Counter(
        (one["type"], one.get("environment"), one.get("receipt_status")) for one in sent()
    )
    quarter = SCENARIO.uncounted // 4
    assert kinds == {
        ("install", "sandbox", None): quarter,
        ("purchase", "sandbox", "valid"): quarter,
        ("purchase", "production", "invalid"): SCENARIO.uncounted - 3 * quarter,
        ("purchase", None, "pending"): quarter,
    }
    assert quarter * 4 == pytest.approx(SCENARIO.good * 0.02, abs=4)


def test_a_pending_sale_is_of_a_purchase_that_comes_later_and_counts() -> None:
    bought = {fields["transaction_id"]: (at, fields) for at, fields in rows("purchase")}
    pending = [
        (one.message, fields)
        for one in first_reads()
        if (fields := orjson.loads(one.message.value)).get("receipt_status") == "pending"
    ]
    assert len(pending) > 100
    for message, fields in pending:
        later, purchase = bought[fields["transaction_id"]]
        assert message.key == later.key
        assert message.timestamp_ms < later.timestamp_ms
        assert fields["event_time"] < purchase["event_time"]


def test_they_change_neither_the_truth_nor_what_people_install_and_pay() -> None:
    without = replace(SMALL.ordered(), uncounted_share=0.0)
    people = [
        sorted(
            message.value
            for message in simulate_traffic(scenario)
            if message.topic in ("installs", "activity", "payments") and counts(message)
        )
        for scenario in (SMALL.ordered(), without)
    ]
    assert people[0] == people[1]
    assert list(truths(SMALL.ordered())) == list(truths(without))


def test_no_view_counts_them(tmp_path: Path) -> None:
    whole, counted = (
        figures(tmp_path / "whole", lambda _: True),
        figures(tmp_path / "counted", counts),
    )
    assert all(len(one) > 10 for one in whole)
    for ours, theirs in zip(whole, counted, strict=True):
        assert ours == theirs
