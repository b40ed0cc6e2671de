"""Every input of the public reports gives what is right of it, and so it does in any order.

Orders are tried in one replay: each is a copy of the case under app ids of its own, and ids mean
something within their app only.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

import orjson
import pytest

from streams.kafka.kcat import KcatRecord, read_records, record_line
from tests.field.test_dumps_and_money import Rows, replayed

FOLDER = Path(__file__).parent / "cases"
ORDERS = 24
SECOND_MS = 1_000
CLOCK_APP = "tick"
"""App of the last record of a case: it only moves time on."""

CREDITED = (
    "SELECT app_id, install_id, if(conversion_type = 'reengagement', 'session', 'install'),"
    " status, media_source FROM v_attributions"
    " WHERE app_id != 'tick' ORDER BY app_id, conversion_time, install_id"
)
TOUCHED = "SELECT app_id, install_id, touch_type, status FROM v_attributions WHERE app_id != 'tick'"
EARNED = (
    "SELECT app_id, toInt64(sum(installs)), toInt64(sum(payers)), toFloat64(sum(revenue))"
    " FROM v_campaign_daily WHERE app_id != 'tick' GROUP BY app_id ORDER BY app_id"
)
REFUSED = "SELECT '', reason, toInt64(count()) FROM dead_letters GROUP BY reason ORDER BY reason"
APP = "com.example.app"


class Case(NamedTuple):
    """An input, the question about it, and the right answer, whose rows begin with the app."""

    name: str
    question: str
    answer: Rows
    has_orders: bool = False  # whether any order of arrival has the same answer


CASES = (
    Case(
        "clock-skew-loses-paid-install",
        CREDITED,
        [
            (APP, name, "install", "non_organic", "adnova")
            for name in ("ahead-3d", "clock-2015", "slow-90s")
        ],
    ),
    Case(
        "device-id-placeholders",
        CREDITED,
        [(APP, f"dev{n}", "install", "non_organic", f"net{n}") for n in range(4)],
    ),
    Case("empty-strings-lose-the-install", REFUSED, []),
    Case(
        "erased-device-is-remembered",
        CREDITED,
        [
            (APP, "first", "install", "organic", "organic"),
            (APP, "second", "install", "non_organic", "adnova"),
        ],
    ),
    Case(
        "event-id-of-view-and-click",
        TOUCHED,
        [(APP, "d1", "click", "non_organic")],
        has_orders=True,
    ),
    Case(
        "install-id-in-two-apps",
        EARNED,
        [("app.one", 1, 0, 0.0), ("app.two", 1, 1, 1.99)],
        has_orders=True,
    ),
    Case("kcat-binary-record", REFUSED, [("", "invalid_utf8", 1)]),
    Case("old-currencies-in-history", REFUSED, []),
    Case(
        "referrer-encodings",
        CREDITED,
        [
            (APP, name, "install", "non_organic", "adnova")
            for name in ("double-encoded", "html-escaped", "plus-not-encoded", "upper-case-name")
        ],
    ),
    Case("refund-without-amount", EARNED, [(APP, 1, 0, 0.0)], has_orders=True),
    Case("restored-purchase-counted-again", EARNED, [(APP, 2, 1, 9.99)], has_orders=True),
    Case(
        "same-install-id-after-reinstall",
        CREDITED,
        [
            (APP, "kc-1", "install", "organic", "organic"),
            (APP, "kc-1", "install", "non_organic", "adnova"),
        ],
        has_orders=True,
    ),
    Case("sandbox-counted-as-real", EARNED, [(APP, 1, 1, 1.99)], has_orders=True),
    Case(
        "subscription-step-swallows-money",
        EARNED,
        [
            (app, 1, 1, 4.99)
            for app in ("cancel.arrives.first", "cancel.arrives.second", "declined.then.recovered")
        ],
        has_orders=True,
    ),
    Case("sums-overflow", EARNED, [(APP, 1, 0, 0.0)]),
    Case("transaction-id-placeholders", REFUSED, [("", "missing_id", 5)]),
)


@pytest.mark.parametrize("case", CASES, ids=attrgetter("name"))
def test_the_answer_is_right(case: Case, tmp_path: Path) -> None:
    _, (answer,) = replayed(tmp_path, FOLDER / f"{case.name}.jsonl", case.question)
    assert sorted(answer) == sorted(case.answer)


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.has_orders], ids=attrgetter("name")
)
def test_the_answer_is_right_in_every_order(case: Case, tmp_path: Path) -> None:
    records = list(read_records([FOLDER / f"{case.name}.jsonl"]))
    orders = list(some_orders(len(records) - 1))
    file = tmp_path / "orders.jsonl"
    file.write_bytes(b"".join(map(record_line, copies(records, orders))))
    _, (answer,) = replayed(tmp_path / "data", file, case.question)
    by_copy: dict[str, Rows] = {}
    for app_id, *rest in answer:
        app, _, copy = app_id.rpartition("-")
        by_copy.setdefault(copy, []).append((app, *rest))
    right = sorted(case.answer)
    wrong = {orders[int(copy)]: rows for copy, rows in by_copy.items() if sorted(rows) != right}
    assert len(by_copy) == len(orders)
    assert wrong == {}


def some_orders(records: int) -> Iterator[tuple[int, ...]]:
    """Every order of a few records; of many, the given one and some at random."""
    if records <= 4:
        yield from itertools.permutations(range(records))
        return
    draws = random.Random(records)
    yield tuple(range(records))
    for _ in range(ORDERS - 1):
        yield tuple(draws.sample(range(records), records))


def copies(records: list[KcatRecord], orders: list[tuple[int, ...]]) -> Iterator[KcatRecord]:
    """The case once per order; all arrive after the last of them happened, then time moves on."""
    *events, clock = records
    begin = max(record.timestamp_ms or 0 for record in events)
    for number, order in enumerate(orders):
        for place, index in enumerate(order):
            event = orjson.loads(events[index].value or b"")
            event["app_id"] = f"{event['app_id']}-{number}"
            yield events[index]._replace(
                timestamp_ms=begin + place * SECOND_MS, value=orjson.dumps(event)
            )
    yield clock
