"""CDNOW: 69,659 purchases of 23,570 customers in 18 months.

A customer's first purchase is the install and the first payment, later ones are payments. Rows
that are alike in everything are different purchases: only an id can tell a duplicate.
"""

from __future__ import annotations

import gzip

import pytest

from streams.replay.memory_log import MemoryRecord
from tests.real_data.real_histories import (
    Outcomes,
    event,
    folder,
    micros,
    milliseconds,
    records,
    replayed,
)

REVENUE_CENTS = 250_031_563


def purchases() -> list[tuple[str, int, str]]:
    with gzip.open(folder("cdnow") / "CDNOW_master.txt.gz", "rt") as text:
        lines = [line.split() for line in text][1:]
    return [(line[0], milliseconds(line[1], "%Y%m%d"), line[3]) for line in lines]


@pytest.fixture(scope="module")
def outcomes() -> Outcomes:
    history = sorted(_history(), key=lambda record: record.timestamp)
    return replayed(history, window_days=7)


def _history() -> list[MemoryRecord]:
    payments = []
    first: dict[str, int] = {}
    for number, (customer, at, amount) in enumerate(purchases()):
        first[customer] = min(at, first.get(customer, at))
        payments.append(
            event("purchase", f"row-{number}", at, transaction_id=f"row-{number}",
                  install_id=customer, amount_micros=micros(amount), currency="USD")
        )  # fmt: skip
    installs = [event("install", f"in-{one}", at, install_id=one) for one, at in first.items()]
    return [*records("installs", installs), *records("payments", payments)]


def test_revenue_is_exact_to_the_cent(outcomes: Outcomes) -> None:
    assert len(outcomes.bookings) == 69_659
    assert outcomes.revenue_micros() == REVENUE_CENTS * 10_000


def test_alike_purchases_with_different_ids_all_count(outcomes: Outcomes) -> None:
    assert len(purchases()) - len(set(purchases())) > 0
    assert outcomes.fates[("payments", "decided")] == 69_659
    assert ("payments", "duplicate") not in outcomes.fates


def test_every_customer_is_one_install(outcomes: Outcomes) -> None:
    assert len(outcomes.attributions) == 23_570
    assert {row.status for row in outcomes.attributions.values()} == {"organic"}
