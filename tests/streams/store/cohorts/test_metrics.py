"""Every metric is answered, and those of cohorts as a naive reader works them out."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas import contracts
from schemas.contracts.views import views_of
from schemas.metrics import growth_metrics
from streams.store.base import Store
from streams.store.cohorts import build_cohorts
from tests.worlds.stores.cohort_world import cohort_history, naive_cohorts
from tests.worlds.stores.store_world import put

pytest.importorskip("chdb")

SCHEMAS = Path(contracts.__file__).parent.parent


def test_metrics_are_those_of_a_naive_reader(store: Store) -> None:
    history = cohort_history(5, log_days=16)
    put(store, history.rows())
    build_cohorts(store)
    migrations = contracts.read_migrations(SCHEMAS / "migrations")
    views = {view.name: view for text in migrations for view in views_of(text)}
    metrics = growth_metrics((SCHEMAS / "metrics.toml").read_text(), views)

    found = {one.name: dict(store.query(one.sql()).rows) for one in metrics}

    cohorts = naive_cohorts(history, by_calendar=False)
    for app in ("puzzle", "run"):
        own = {key: one for key, one in cohorts.items() if key[0] == app}
        assert found["new_users"][app] == sum(len(one.members) for one in own.values())
        # Log time is in 17 January: day 7 is over for installs until 8 January, day 1 until 14.
        old = [one for key, one in own.items() if key[1] <= "2026-01-08"]
        users = sum(len(one.members) for one in old)
        share = sum(one.payers_by(7) for one in old) / users
        assert found["payer_share_d7"][app] == pytest.approx(share)
        money = sum(one.usd_by(7) for one in old) / 1e6 / users
        assert found["ltv_d7"][app] == pytest.approx(money)
        all_users = sum(len(one.members) for one in own.values())
        stayed = sum(len(one.days[1].active) for one in own.values()) / all_users
        assert found["retention_d1"][app] == pytest.approx(stayed)
        assert found["ltv_d30"][app] is None
