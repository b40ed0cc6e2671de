"""Multi-touch attribution in the views: current revisions only, beside the decision by rules."""

from __future__ import annotations

from typing import Any

import pytest

from streams.store.base import Store
from streams.store.digest import converged_digest
from tests.worlds.stores.store_world import put
from tests.worlds.stores.traffic_outcomes import credit, decision

pytest.importorskip("chdb")

LEARNED: dict[str, Any] = {
    "model_version": "credit-9-a",
    "by_markov": {"alpha": 1.0},
    "by_hazard": {"organic": 0.7, "alpha": 0.2, "beta": 0.1},
}


def daily(store: Store) -> dict[str, dict[str, float]]:
    found = store.query("SELECT * FROM v_channel_credit_daily ORDER BY channel")
    rows = [dict(zip(found.names, row, strict=True)) for row in found.rows]
    return {row["channel"]: row for row in rows}


def test_only_the_highest_revision_counts_and_only_once(store: Store) -> None:
    later = credit("i1", 2, by_last={"gamma": 1.0})
    put(store, [credit("i1", 1), later, later])

    found = store.query("SELECT method, shares FROM v_credits ORDER BY method")

    assert [row[0] for row in found.rows] == ["first", "last", "linear", "position", "time_decay"]
    assert dict(found.rows[1][1]) == {"gamma": 1.0}


def test_a_method_without_a_model_says_nothing(store: Store) -> None:
    put(store, [credit("i1"), credit("i2", **LEARNED)])

    found = store.query(
        "SELECT install_id, method, model_version FROM v_credits"
        " WHERE method IN ('hazard', 'last') ORDER BY ALL"
    )

    assert found.rows == [
        ("i1", "last", ""),
        ("i2", "hazard", "credit-9-a"),
        ("i2", "last", ""),
    ]


def test_a_day_shows_the_rule_decision_beside_every_method_and_the_gap(
    store: Store,
) -> None:
    put(
        store,
        [
            decision("i1", 1, channel=""),
            decision("i2", 1, media_source="beta", channel="video"),
            decision("i3", 1, media_source="organic", channel=""),
            credit("i1"),
            credit("i2", **LEARNED),
            credit("i3", by_first={"organic": 1.0}, by_last={"organic": 1.0}),
        ],
    )

    rows = daily(store)

    assert {channel: row["decided"] for channel, row in rows.items()} == {
        "alpha": 1, "beta": 0, "beta/video": 1, "organic": 1,
    }  # fmt: skip
    assert (rows["alpha"]["first"], rows["beta"]["last"]) == (2, 2)
    assert (rows["beta/video"]["modelled"], rows["alpha"]["modelled"]) == (1, 0)
    assert rows["organic"]["gap"] == pytest.approx(0.7)
    assert rows["beta/video"]["gap"] == pytest.approx(-1.0)
    assert sum(row["gap"] for row in rows.values()) == pytest.approx(0.0)


def test_the_converged_digest_holds_what_rules_share_and_not_what_models_do(
    store: Store,
) -> None:
    put(store, [credit("i1", 1)])
    by_rules = converged_digest(store)["credits"]
    put(store, [credit("i1", 2, version=3, **LEARNED)])

    assert converged_digest(store)["credits"] == by_rules

    put(store, [credit("i1", 3, by_shapley={"gamma": 1.0})])
    assert converged_digest(store)["credits"] != by_rules
