"""What workers would have served: the same numbers, people counted once, a verdict always."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from schemas.time import DAY_MS
from streams.cli import headwater
from streams.kafka.kcat import write_records
from streams.lab.evaluation.served.intervals import judge_names
from streams.lab.evaluation.served.judged_rows import ServedRows
from streams.lab.evaluation.served.served_evaluation import horizon_figures
from streams.lab.evaluation.served.verdict import ServedBesideBest, payers_needed, served_verdict
from streams.lab.simulator.small_game import (
    NEVER_MS,
    SmallGameRules,
    game_records,
    make_players,
)


def rows(people: int, payers: int, chance: float = 0.01) -> ServedRows:
    """Everybody is asked at two landmarks; the first ones pay."""
    install = np.repeat(np.arange(people), 2)
    return ServedRows(
        install=install,
        landmark=np.tile([0, 1], people),
        day=np.zeros(2 * people, np.int64),
        chance=np.full(2 * people, chance),
        is_full=np.zeros(2 * people, bool),
        label=install < payers,
    )


def judged(found: ServedRows, **baselines: float) -> dict[str, Any]:
    named = {name: np.full(len(found), chance) for name, chance in baselines.items()}
    return horizon_figures(found, {"served": found.chance, **named}, "d7", seed=1)


def test_people_are_counted_once_beside_their_predictions() -> None:
    served = judged(rows(1_000, 20, 0.03), constant=0.02)["served"]

    assert (served["people"], served["payers"], served["predictions"]) == (1_000, 20, 2_000)
    assert (served["people_at_install"], served["payers_at_install"]) == (1_000, 20)
    assert served["ratio"] == served["ratio_at_install"] == pytest.approx(1.5)


def test_the_share_of_payers_known_in_hindsight_has_an_entropy_of_one() -> None:
    found = judged(rows(1_000, 20, 0.03), constant=0.02)

    assert found["baselines"]["constant"] == pytest.approx(1.0, abs=1e-4)
    assert found["served"]["ne"] > 1.0


def test_two_rows_of_a_person_are_no_more_evidence_than_one() -> None:
    both = rows(2_000, 40, 0.02)
    first = both.landmark == 0
    one = ServedRows(
        **{f.name: getattr(both, f.name)[first] for f in dataclasses.fields(ServedRows)}
    )

    wide = [
        np.diff(judge_names(found, {"served": found.chance}, 1).ratio_interval("served"))[0]
        for found in (one, both)
    ]

    assert wide[0] == pytest.approx(wide[1])


@pytest.mark.parametrize("payers", [0, 1, 20])
def test_there_is_a_verdict_and_no_nan_however_few_pay(payers: int) -> None:
    found = judged(rows(500, payers), constant=0.01, rates=0.02)

    assert "NaN" not in json.dumps(found)
    assert "payers are needed" in found["verdict"]
    assert found["served"]["payers"] == payers


def test_nothing_to_judge_is_said_as_such() -> None:
    found = judged(rows(0, 0), constant=0.01)

    assert found["served"]["people"] == 0
    assert found["verdict"].startswith("No prediction by day 7 can be judged")


def beside(difference: float, low: float, high: float, payers: int = 60) -> ServedBesideBest:
    return ServedBesideBest("rates", difference, (low, high), payers, 9_000, 0.5, 7)


def test_the_verdict_is_as_the_interval_lies() -> None:
    assert "worse than rates, by 0.0200" in served_verdict(beside(0.02, 0.01, 0.03))
    assert "better than every simple baseline" in served_verdict(beside(-0.02, -0.03, -0.01))
    assert "the model adds nothing to rates yet" in served_verdict(beside(-0.01, -0.03, 0.01))
    assert "too few pay to tell" in served_verdict(beside(-0.02, -0.03, -0.01, payers=29))


def test_four_times_as_many_payers_halve_the_interval() -> None:
    assert payers_needed(beside(-0.01, -0.03, 0.01)) == 240
    assert payers_needed(beside(0.0, -0.001, 0.001)) == 61


def test_players_pay_as_often_as_the_rules_say_and_placebos_are_no_different() -> None:
    players = make_players(SmallGameRules(installs=40_000, rate=0.01))
    early = (players.paid_ms != NEVER_MS) & (players.paid_ms < 7 * DAY_MS)

    assert players.chance.mean() == pytest.approx(0.01, rel=0.01)
    assert early.mean() == pytest.approx(0.01, rel=0.15)
    by_campaign = [players.chance[players.campaign == one].mean() for one in range(5)]
    assert max(by_campaign) / min(by_campaign) < 1.15


@pytest.fixture(scope="module")
def tiny_history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rules = SmallGameRules(installs=600, rate=0.02, days=20)
    path = tmp_path_factory.mktemp("game") / "game.jsonl"
    with path.open("wb") as out:
        write_records(game_records(rules, make_players(rules)), out)
    return path


def test_a_small_history_is_judged_and_keeps_the_figures_of_before(tiny_history: Path) -> None:
    run = CliRunner().invoke(
        headwater, ["evaluate", "payer", "--data", str(tiny_history), "--json"]
    )
    assert run.exit_code == 0, run.output
    found = json.loads(run.stdout)

    assert found["history"]["own"]["installs"] == 600
    assert found["history"]["own"]["dead_letters"] == 0
    assert 0 < found["served"]["people"] <= 600
    assert {"constant", "rates", "kaplan_meier"} < set(found["baselines"])
    assert found["verdict"]
    assert found["d30"]["verdict"]
    assert all(low <= high for low, high in found["intervals"].values())
