"""One's own history: payments as they became known, features as they were frozen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from online_models.hazard.bins import PAYER
from schemas.time import DAY_MS, HOUR_MS
from streams.cli import headwater
from streams.errors import Stop
from streams.lab.evaluation.payer.history import (
    PayerHistory,
    RecordedFeatures,
    _first_reports,
)
from streams.lab.evaluation.payer.history_evaluation import WARM_UP_MS, _judged
from streams.lab.evaluation.payer.judged_predictions import D7, D30, excess_entropy
from streams.lab.evaluation.payer.payer_log import RELEASED_MS, make_payer_log
from streams.lab.evaluation.payer.payer_models import PayerModels
from streams.lab.evaluation.payer.payer_replay import PayerReplay
from streams.lab.evaluation.payer.runs import PayerRun
from streams.lab.evaluation.payer.tiers import tiers_of
from streams.lab.evaluation.replay.decided_history import (
    BookedRevenue,
    DecidedHistory,
    DecidedInstall,
)

T0 = 1_790_000_000_000 // DAY_MS * DAY_MS


def install(number: int, at: int = T0) -> DecidedInstall:
    return DecidedInstall(f"i{number}", 1, "install", "app.one", "ios", "DE", at, "meta", "c1")


def booked(number: int, transaction: str, kind: str, age: int, micros: int) -> BookedRevenue:
    return BookedRevenue("app.one", f"i{number}", transaction, kind, T0 + age, "USD", micros)


def test_a_purchase_counts_from_when_it_was_first_known() -> None:
    paid = booked(0, "t1", "purchase", HOUR_MS, 5)
    reports = _first_reports([(paid, T0 + 3 * HOUR_MS), (paid, T0 + 2 * HOUR_MS)], [install(0)])

    assert reports.paid_ms.tolist() == [HOUR_MS]
    assert reports.logged_ms.tolist() == [2 * HOUR_MS]


def test_a_purchase_taken_back_as_a_whole_does_not_count_and_one_in_part_does() -> None:
    rows = [
        booked(0, "t1", "purchase", HOUR_MS, 5),
        booked(0, "t1", "refund", DAY_MS, -5),
        booked(1, "t2", "purchase", HOUR_MS, 5),
        booked(1, "t2", "refund", DAY_MS, -3),
    ]
    reports = _first_reports([(one, one.event_time) for one in rows], [install(0), install(1)])

    assert reports.install.tolist() == [1]


def test_money_of_installs_that_are_not_in_the_files_is_left_out() -> None:
    reports = _first_reports([(booked(7, "t1", "purchase", 0, 5), T0)], [install(0)])

    assert len(reports.install) == 0


def test_where_nothing_was_frozen_the_features_of_the_install_are_taken() -> None:
    frozen = {"country=DE": 1.0}
    features = RecordedFeatures([install(0)], {("app.one", "i0"): {"install": frozen}})

    assert features.at(0, 0) == features.at(0, 3) == frozen


def history(until_ms: int) -> PayerHistory:
    """Every hour an install; each tenth pays in its first hour, each fifteenth on its tenth day."""
    installs = [install(number, T0 + number * HOUR_MS) for number in range(24 * 20)]
    paid = [
        BookedRevenue(
            one.app_id, one.install_id, one.install_id, "purchase", one.install_time + age, "USD", 5
        )
        for every, age in ((10, HOUR_MS // 2), (15, 9 * DAY_MS))
        for one in installs[::every]
    ]
    reports = _first_reports([(one, one.event_time) for one in paid], installs)
    log = make_payer_log(np.array([one.install_time for one in installs]), reports)
    known = {one.key: {"install": {"country=DE": 1.0}} for one in installs}
    return PayerHistory(
        log=log,
        features=RecordedFeatures(installs, known),
        begin_ms=T0,
        until_ms=until_ms,
        installs=len(installs),
        payers=70,
        installed_at=np.array([one.install_time for one in installs]),
        decided=DecidedHistory(installs),
    )


def test_only_predictions_whose_horizon_is_over_are_judged() -> None:
    own = history(T0 + 24 * DAY_MS)
    replay = PayerReplay(own.log, own.features, PayerModels(river=None), T0)
    replay.run(own.until_ms, lambda _: None)
    made = replay.predictions()

    d7, d30 = _judged(own, made, D7), _judged(own, made, D30)
    over_after = int(RELEASED_MS[PAYER.edges.index(7 * DAY_MS) - 1])
    at_install = d7.only(d7.landmark == 0)

    assert len(d30) == 0
    assert at_install.since_ms.min() >= WARM_UP_MS
    assert at_install.since_ms.max() <= 24 * DAY_MS - over_after
    assert at_install.label.mean() == pytest.approx(0.1, abs=0.02)
    assert not d7.only(d7.landmark > 0).label.any()
    assert excess_entropy(at_install, "full") < excess_entropy(at_install, "constant")
    shown = tiers_of([PayerRun("history", "own", d7, d30, is_own=True)])["history"]["own"]
    assert set(shown["unanswered"].values()) == {0}
    assert shown["normalised_entropy"]["full"] == pytest.approx(
        excess_entropy(d7, "full"), abs=1e-5
    )


def test_too_short_a_history_is_refused_for_models_alone_and_judged_as_served(
    tmp_path: Path,
) -> None:
    runner, file = CliRunner(), tmp_path / "traffic.jsonl"
    runner.invoke(headwater, ["simulate", "--events", "500", "--out", str(file)])

    tiers = runner.invoke(headwater, ["evaluate", "tiers", "--data", str(file)])
    served = runner.invoke(headwater, ["evaluate", "payer", "--data", str(file)])

    assert isinstance(tiers.exception, Stop)
    assert "a payer model needs 1000 or more; add history" in str(tiers.exception)
    assert served.exit_code == 0
    assert "too few pay to tell" in served.stdout
