"""The harness itself: a seed draws one plan, and a lost event does not go unseen."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from schemas.topics import TOUCHPOINTS
from streams.stages.contract import CLOCK_KEY
from tests.chaos import audit
from tests.chaos.fault_plan import STORING, FaultCounts, FaultKind, draw_plan
from tests.chaos.installation import converged_digest, run_headwater
from tests.chaos.traffic import read_file, simulate_file

COUNTS = FaultCounts(kills=50, stops=5, broker_kills=5, storing_kills=5)
SESSION_SECONDS = 4
EVENTS = 1_000


def test_a_seed_draws_the_same_plan_again_and_another_seed_another() -> None:
    assert draw_plan(COUNTS, 7, SESSION_SECONDS) == draw_plan(COUNTS, 7, SESSION_SECONDS)
    assert draw_plan(COUNTS, 7, SESSION_SECONDS) != draw_plan(COUNTS, 8, SESSION_SECONDS)


def test_a_plan_holds_every_act_as_often_as_asked_spread_over_the_traffic() -> None:
    plan = draw_plan(COUNTS, 7, SESSION_SECONDS)
    assert Counter(one.kind for one in plan) == {
        FaultKind.KILL: 50,
        FaultKind.STOP: 5,
        FaultKind.BROKER_KILL: 5,
        FaultKind.STORING_KILL: 5,
    }
    shares = [one.share for one in plan]
    assert shares == sorted(shares)
    assert shares[0] < 0.05
    assert shares[-1] > 0.95


def test_stops_outlast_the_session_and_storing_kills_hit_the_storing_process() -> None:
    plan = draw_plan(COUNTS, 7, SESSION_SECONDS)
    assert all(one.seconds > SESSION_SECONDS for one in plan if one.kind is FaultKind.STOP)
    assert {one.target for one in plan if one.kind is FaultKind.STORING_KILL} == {STORING}


def test_one_event_less_shows_in_the_accounts_and_as_rows_of_its_tables(tmp_path: Path) -> None:
    whole, lacking = tmp_path / "whole.jsonl", tmp_path / "lacking.jsonl"
    simulate_file(whole, EVENTS, seed=3)
    lines = whole.read_bytes().splitlines(keepends=True)
    lacking.write_bytes(b"".join(lines[: _first_touch(whole)] + lines[_first_touch(whole) + 1 :]))
    first, second = _replayed(whole), _replayed(lacking)
    digests = tuple(map(converged_digest, (first, second)))
    found = audit.differences(first, second, digests)
    assert "touches only in the first: 1 rows" in found
    assert any(line.startswith("ledger only in the first") for line in found)
    assert not audit.accounts(second, EVENTS)["reconciled"]
    assert audit.accounts(first, EVENTS)["reconciled"]


def _first_touch(file: Path) -> int:
    return next(
        number
        for number, (topic, _, _, key, _) in enumerate(read_file(file).messages)
        if topic == TOUCHPOINTS.name and key != CLOCK_KEY
    )


def _replayed(file: Path) -> dict[str, str]:
    """The environment of a store with what is in the file."""
    foreign = {k: v for k, v in os.environ.items() if not k.startswith("HEADWATER_")}
    environ = foreign | {"HEADWATER_DATA": str(file.with_suffix(""))}
    run_headwater(["replay", str(file), "--json"], environ)
    return environ
