"""What `headwater evaluate drift` measures."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from msgspec import json

from streams.cli import headwater
from streams.lab.evaluation.drift.drift import BASE_RATES, shifted_rate, watch_fleet, watch_one


@pytest.mark.parametrize("rate", BASE_RATES)
def test_a_shift_is_seen_within_1500_labels_and_nothing_before_it(rate: float) -> None:
    for seed in (101, 102):
        watched = watch_one(seed, rate)
        assert watched.false_alarms == 0
        assert watched.labels_to_detect <= 1_500


def test_beside_fifteen_others_it_takes_longer_but_not_too_long() -> None:
    alone, beside = watch_one(7, 0.1), watch_fleet(7, 0.1)
    assert beside.false_alarms == 0
    assert alone.labels_to_detect < beside.labels_to_detect <= 1_500


def test_the_shift_is_one_of_log_odds() -> None:
    assert shifted_rate(0.05) == pytest.approx(0.0958, abs=0.0001)


def test_the_command_answers_with_one_object_and_draws(tmp_path: Path) -> None:
    arguments = ["evaluate", "drift", "--seeds", "1", "--json", "--plots", str(tmp_path)]
    answer = CliRunner().invoke(headwater, arguments)
    figures = json.decode(answer.output)

    assert answer.exit_code == 0
    assert figures["false_alarms_per_20k"] == 0
    assert set(figures["response"]) == {"shift of one source", "shift of all sources"}
    assert 0 < figures["labels_to_detect"] <= figures["labels_to_detect_worst"] <= 1_500
    assert "<svg" in (tmp_path / "drift.svg").read_text()


def test_a_history_is_replayed_and_its_labels_are_watched(tmp_path: Path) -> None:
    traffic = str(tmp_path / "traffic.jsonl")
    runner = CliRunner()
    runner.invoke(headwater, ["simulate", "--events", "4000", "--out", traffic])
    answer = runner.invoke(headwater, ["evaluate", "drift", "--data", traffic, "--json"])
    figures = json.decode(answer.output)

    assert answer.exit_code == 0
    assert figures["by_target"]["payer"]["labels"] > 1_000
    assert figures["by_target"]["payer"]["residual_alarms"] == 0
    assert figures["records"] > 4_000
