"""What is judged is what was stored: the same log, replayed into a store, has the same numbers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from schemas.time import DAY_MS, HOUR_MS
from streams.kafka.kcat import KcatRecord, write_records
from streams.lab.evaluation.payer.history import payer_history_of
from streams.lab.evaluation.replay.decided_history import read_decided_history
from streams.lab.evaluation.served.judged_rows import JUDGED_FROM_MS, ServedRows, served_rows
from streams.lab.simulator.scenario import START_MS
from streams.progress import ignore_progress
from streams.replay.run import run_replay
from streams.settings import read_settings
from streams.wiring.store import open_store

INSTALLS = 1_200
DAYS = 14
END_MS = START_MS + (DAYS + 8) * DAY_MS
GOOD = 3
"""One install in so many comes from a campaign whose people pay: rates know no campaigns."""


def installed_at(number: int) -> int:
    return START_MS + number * DAYS * DAY_MS // INSTALLS


def pays(number: int) -> bool:
    """Half an hour after the install."""
    return number % GOOD == 0 and number % 7 < 5


_STORED = """
    SELECT install_id, landmark, chances['d7'] AS chance, tier, model_version
    FROM predictions WHERE target = 'payer' AND mapContains(chances, 'd7')
    ORDER BY predicted_at, install_id, landmark
"""


def events(number: int) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """The click and the install of somebody, and the purchase of who pays."""
    at, who = installed_at(number), f"p{number}"
    shared = {"schema_version": 1, "app_id": "com.small.first", "platform": "ios"}
    touch = {"type": "touchpoint", "event_id": f"{who}-t", "event_time": at - 1_000}
    touch |= {"touch_type": "click", "touch_id": f"{who}-c", "media_source": "north"}
    yield at - 1_000, "touchpoints", shared | touch | {"campaign_id": f"c{number % GOOD}"}
    install = {"type": "install", "event_id": f"{who}-i", "event_time": at, "install_id": who}
    yield at, "installs", shared | install | {"click_id": f"{who}-c"}
    if pays(number):
        sold = {"type": "purchase", "event_id": f"{who}-p", "event_time": at + HOUR_MS // 2}
        sold |= {"install_id": who, "transaction_id": f"{who}-p", "currency": "USD"}
        yield at + HOUR_MS // 2, "payments", shared | sold | {"amount_micros": 1_000_000}


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [row for number in range(INSTALLS) for row in events(number)]
    last = {"type": "session", "schema_version": 1, "app_id": "com.small.first"}
    last |= {"event_id": "last", "session_id": "last", "install_id": "last", "event_time": END_MS}
    rows.append((END_MS, "activity", last))
    path = tmp_path_factory.mktemp("served") / "game.jsonl"
    with path.open("wb") as out:
        write_records(
            (KcatRecord(topic, None, None, at, None, orjson.dumps(one)) for at, topic, one in rows),
            out,
        )
    return path


def stored_rows(folder: Path, history: Path) -> list[Any]:
    settings = read_settings({"HEADWATER_DATA": str(folder)})
    report = run_replay(settings, [history], 4_000, ignore_progress, is_into=False)
    assert report.accounting.reconciled
    store = open_store(settings)
    try:
        return list(store.query(_STORED).rows)
    finally:
        store.close()


def test_every_judged_prediction_is_the_stored_one_to_the_last_digit(
    history: Path, tmp_path: Path
) -> None:
    stored = {(row[0], row[1]): row for row in stored_rows(tmp_path / "store", history)}
    decided = read_decided_history(read_settings({}), [history], "payer", ignore_progress, 1)
    judged = served_rows(payer_history_of(decided), "d7")

    answered = {
        (row.install_id, row.landmark): row
        for row in decided.predictions
        if row.target == "payer" and "d7" in row.chances
    }
    assert answered.keys() == stored.keys()
    for key, row in answered.items():
        assert (row.chances["d7"], row.tier, row.model_version) == stored[key][2:5]
    tiers = {row[3] for row in stored.values()}
    assert {"full", "rates"} < tiers, "the test is of versions that go live"
    assert sorted(judged.chance.tolist()) == _judged_of(stored, judged)


def _judged_of(stored: dict[tuple[str, str], Any], judged: ServedRows) -> list[float]:
    """The chances of the stored rows that can be judged, found without the code under test."""
    found = []
    for (install, landmark), row in stored.items():
        number, age = int(install[1:]), _AGES_MS[landmark]
        is_open = not pays(number) or age < HOUR_MS // 2
        at = installed_at(number)
        is_over = at + 7 * DAY_MS <= END_MS
        if is_open and is_over and at + age - START_MS >= JUDGED_FROM_MS:
            found.append(row[2])
    assert len(found) == len(judged)
    return sorted(found)


_AGES_MS = {"install": 0, "1h": DAY_MS // 24, "6h": DAY_MS // 4, "1d": DAY_MS, "3d": 3 * DAY_MS}
