"""A transaction equals a naive fold, in every order of arrival."""

from __future__ import annotations

import os

from tests.laws.money.comparison import compare

HISTORIES = int(os.environ.get("HEADWATER_TEST_HISTORIES", "5000"))


def test_a_transaction_equals_a_naive_fold_in_random_orders() -> None:
    agreed = compare(HISTORIES, seed=2)
    assert agreed.histories == HISTORIES
    assert agreed.with_money > HISTORIES / 4
