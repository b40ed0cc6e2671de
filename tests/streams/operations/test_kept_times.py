"""Who asks how long something is kept has an answer for every topic, state and table."""

from __future__ import annotations

import json
from collections import Counter

from click.testing import CliRunner

from schemas import topics
from streams.cli.settings import documented, settings_command
from streams.operations.kept_times import KeptTime, kept_times, kept_times_table
from streams.settings import read_settings
from streams.store.tables import TABLES


def answers(**environ: str) -> dict[tuple[str, str], KeptTime]:
    settings = read_settings({f"HEADWATER_{name}": value for name, value in environ.items()})
    return {(one.where, one.name): one for one in kept_times(settings)}


def test_every_topic_and_table_is_there_once_and_names_a_setting_that_exists() -> None:
    found = kept_times(read_settings({}))
    assert Counter(one.name for one in found if one.where == "table") == Counter(TABLES.keys())
    named = Counter(one.name for one in found if one.where.endswith("topic"))
    assert named == Counter(topic.name for topic in topics.ALL)
    declared = {item.variable for item in documented()}
    assert {one.setting for one in found} - {""} <= declared


def test_the_table_goes_from_source_to_sink() -> None:
    order = list(dict.fromkeys(one.where for one in kept_times(read_settings({}))))
    assert order == ["source topic", "internal topic", "state", "outcome topic", "table"]


def test_by_default_sources_are_kept_for_a_month_and_rows_for_ever() -> None:
    found = answers()
    assert found["source topic", "installs"].kept == "30d"
    assert found["outcome topic", "dead-letters"].kept == "7d"
    assert found["table", "dead_letters"].kept == "forever"
    assert found["state", "journeys"].kept == found["state", "journeys"].default == "400d"


def test_settings_show_beside_their_defaults() -> None:
    found = answers(
        RETENTION="dead_letters:30d,*:800d", JOURNEY_RETENTION="180d", PARKING="2d",
        LATENESS="1d", SHARED_KEY_REST="7d", SOURCE_TIMESTAMPS="create", TOPIC_PREFIX="eu.",
    )  # fmt: skip
    assert found["table", "dead_letters"].kept == "30d"
    assert found["table", "touches"].kept == "800d"
    assert found["table", "touches"].default == "forever"
    assert found["state", "journeys"].kept == "180d"
    assert found["state", "parked"].kept == "2d"
    assert found["state", "touchpoints"].kept == "32d"
    assert found["state", "shared keys"].kept == "7d"
    assert found["source topic", "installs"].kept == "forever"


def test_it_is_read_by_people_and_by_programs() -> None:
    run = CliRunner().invoke(settings_command, ["retention", "--json"])
    kept = json.loads(run.output)["kept"]
    assert len(kept) == len(kept_times(read_settings({})))
    assert set(kept[0]) == set(KeptTime._fields)
    printed = CliRunner().invoke(settings_command, ["retention"]).output
    assert printed.strip() == kept_times_table(kept_times(read_settings({})))
    assert "HEADWATER_KAFKA" in CliRunner().invoke(settings_command, []).output
