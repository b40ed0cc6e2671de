"""Topics that would lose or mix up state are refused, with a line that says what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from schemas import topics
from schemas.time import DAY_MS, HOUR_MS
from streams.kafka.topics import (
    STAMPS_AHEAD,
    FoundTopic,
    WantedTopic,
    problems,
    wanted_topics,
)
from streams.operations.doctor.broker import unbounded_stamps
from streams.settings import KafkaSettings, read_settings


def _kafka(**variables: str) -> KafkaSettings:
    return read_settings(
        {"HEADWATER_KAFKA": "broker:9092"}
        | {f"HEADWATER_{name}": value for name, value in variables.items()}
    ).kafka


def _as_wanted(wanted: list[WantedTopic]) -> dict[str, FoundTopic]:
    return {want.name: FoundTopic(want.partitions, dict(want.config)) for want in wanted}


def _with_config(found: FoundTopic, changes: Mapping[str, str]) -> FoundTopic:
    return replace(found, config={**found.config, **changes})


def test_topics_made_as_wanted_have_no_problem() -> None:
    wanted = wanted_topics(_kafka())
    assert len(wanted) == len(topics.ALL)
    assert problems(wanted, _as_wanted(wanted)) == []


def test_missing_topics_are_one_line_that_says_migrate() -> None:
    lines = problems(wanted_topics(_kafka()), {})
    assert len(lines) == 1
    assert "headwater migrate" in lines[0]
    assert "touchpoints" in lines[0]


def test_a_changed_partition_count_is_refused_with_the_way_to_rekey() -> None:
    wanted = wanted_topics(_kafka())
    lines = problems(wanted_topics(_kafka(PARTITIONS="8")), _as_wanted(wanted))
    assert "has 4 partitions, not 8" in lines[0]
    assert "HEADWATER_PARTITIONS=4" in lines[0]
    assert "re-key" in lines[0]


def test_topics_that_a_broker_made_before_the_first_migrate_are_not_to_be_rekeyed() -> None:
    wanted = wanted_topics(_kafka(PARTITIONS="2"))
    sources = {want.name: want for want in wanted if want.is_source}
    found = {
        name: FoundTopic(partitions, sources[name].config)
        for name, partitions in {"installs": 7, "payments": 1, "costs": 2}.items()
    }
    lines = [line for line in problems(wanted, found) if "missing" not in line]
    assert [line.split(",")[0] for line in lines] == [
        "topic installs has 7 partitions",
        "topic payments has 1 partitions",
    ]
    assert all("delete it" in line and "--into" not in line for line in lines)


def test_one_log_topics_keep_their_single_partition_at_any_count() -> None:
    by_name = {want.name: want for want in wanted_topics(_kafka(PARTITIONS="8"))}
    assert by_name[topics.EXAMPLES.name].partitions == 1
    assert by_name[topics.MATCH.name].partitions == 8


def test_a_changelog_that_forgets_keys_by_age_is_refused() -> None:
    wanted = wanted_topics(_kafka())
    found = _as_wanted(wanted)
    name = topics.JOURNEYS_CHANGELOG.name
    found[name] = _with_config(found[name], {"cleanup.policy": "delete"})
    assert any(
        name in line and "cleanup.policy=compact" in line for line in problems(wanted, found)
    )


def test_producer_time_is_refused_where_broker_time_is_expected() -> None:
    wanted = wanted_topics(_kafka())
    found = _as_wanted(wanted_topics(_kafka(SOURCE_TIMESTAMPS="create")))
    assert "HEADWATER_SOURCE_TIMESTAMPS" in problems(wanted, found)[0]


def test_topics_with_producer_time_never_age_out_by_simulated_time() -> None:
    by_name = {want.name: want for want in wanted_topics(_kafka(SOURCE_TIMESTAMPS="create"))}
    config = by_name[topics.TOUCHPOINTS.name].config
    assert config["retention.ms"] == "-1"
    assert by_name[topics.MATCH.name].config["message.timestamp.type"] == "LogAppendTime"


def test_one_wrong_stamp_of_a_producer_does_not_take_the_time_of_a_partition_along() -> None:
    """The broker refuses it, and its producer sees the error; the past is open for backfills."""
    create = wanted_topics(_kafka(SOURCE_TIMESTAMPS="create", SOURCE_STAMPS_AHEAD="2h"))
    by_name = {want.name: want.config for want in create}
    assert by_name[topics.INSTALLS.name][STAMPS_AHEAD] == str(2 * HOUR_MS)
    assert STAMPS_AHEAD not in by_name[topics.MATCH.name]
    default = wanted_topics(_kafka(SOURCE_TIMESTAMPS="create"))
    assert {want.config[STAMPS_AHEAD] for want in default if want.is_source} == {str(DAY_MS)}

    found = _as_wanted(create)
    assert unbounded_stamps(create, found) == []
    found["installs"] = _with_config(found["installs"], {STAMPS_AHEAD: str(2**63 - 1)})
    found["payments"] = _with_config(found["payments"], {STAMPS_AHEAD: str(HOUR_MS)})
    assert problems(create, found) == []
    (line,) = unbounded_stamps(create, found)
    assert line.endswith(f"--topic installs --add-config {STAMPS_AHEAD}={2 * HOUR_MS}")


def test_a_longer_retention_is_the_operators_choice() -> None:
    wanted = wanted_topics(_kafka())
    found = _as_wanted(wanted)
    name = topics.TOUCHPOINTS.name
    found[name] = _with_config(found[name], {"retention.ms": "1"})
    assert problems(wanted, found) == []


def test_the_prefix_is_on_every_topic() -> None:
    assert all(want.name.startswith("eu.") for want in wanted_topics(_kafka(TOPIC_PREFIX="eu.")))
