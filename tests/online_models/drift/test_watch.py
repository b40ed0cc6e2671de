"""Many streams watched at once: who may raise an alarm, and what is remembered."""

from __future__ import annotations

import math
import random

import pytest

from online_models.drift.watch import (
    DRIFT_LAYOUT,
    IDLE_MS,
    Alarm,
    DriftRules,
    DriftStream,
    DriftWatch,
    dump_drift,
    load_drift,
)
from online_models.persistence.envelope import Unusable, seal
from schemas.time import MINUTE_MS


def source(name: str) -> DriftStream:
    return DriftStream("residual", "payer", "", "app.one", name)


def fed(watch: DriftWatch, *, rates: tuple[float, ...], count: int, seed: int = 1) -> list[Alarm]:
    """Residuals of a model that says 5 % of every source; source k has rates[k]."""
    chance, alarms = random.Random(seed), []
    for number in range(count):
        for place, rate in enumerate(rates):
            residual = float(chance.random() < rate) - 0.05
            alarm = watch.feed(source(f"s{place}"), residual, number * MINUTE_MS)
            if alarm is not None:
                alarms.append(alarm)
    return alarms


def test_only_the_source_that_changed_raises_an_alarm() -> None:
    watch = DriftWatch()
    assert fed(watch, rates=(0.05, 0.05, 0.05), count=5_000) == []
    alarms = fed(watch, rates=(0.05, 0.1, 0.05), count=1_500, seed=2)

    assert {alarm.stream.media_source for alarm in alarms} == {"s1"}
    assert alarms[0].change.before == pytest.approx(0.0, abs=0.01)
    assert alarms[0].change.after > 0.02
    assert [alarm.number for alarm in alarms] == list(range(1, watch.counts.alarms + 1))


def test_among_many_streams_each_has_to_be_surer() -> None:
    rules = DriftRules()
    alone, beside = DriftWatch(rules), DriftWatch(rules)
    for number in range(200):
        beside.feed(source(f"other-{number}"), 0.0, 0)

    def labels_to_alarm(watch: DriftWatch) -> int:
        chance = random.Random(4)
        for number in range(20_000):
            residual = float(chance.random() < (0.05 if number < 4_000 else 0.1)) - 0.05
            if watch.feed(source("s"), residual, 0):
                return number
        raise AssertionError("no alarm")

    assert 4_000 < labels_to_alarm(alone) < labels_to_alarm(beside)


def test_a_million_names_do_not_fill_the_memory_and_are_counted() -> None:
    watch = DriftWatch(DriftRules(streams_max=16))
    for number in range(100_000):
        watch.feed(source(f"name-{number}"), 0.0, number)

    assert watch.streams == 16
    assert watch.counts.refused == 100_000 - 16


def test_a_silent_stream_makes_room_but_one_that_speaks_does_not() -> None:
    watch = DriftWatch(DriftRules(streams_max=2))
    for name, at in (("lively", 0), ("silent", 1), ("lively", IDLE_MS)):
        watch.feed(source(name), 0.0, at)
    watch.feed(source("new"), 0.0, IDLE_MS)
    assert watch.counts.refused == 1
    watch.feed(source("new"), 0.0, IDLE_MS + 1)
    assert watch.counts.refused == 1
    watch.feed(source("silent"), 0.0, IDLE_MS + 2)
    assert watch.counts.refused == 2


def test_a_clock_that_jumps_back_and_forth_does_not_push_out_who_speaks() -> None:
    watch = DriftWatch(DriftRules(streams_max=1))
    watch.feed(source("lively"), 0.0, 10 * IDLE_MS)
    watch.feed(source("lively"), 0.0, 0)
    watch.feed(source("new"), 0.0, 10 * IDLE_MS + 1)
    assert watch.counts.refused == 1


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e300])
def test_what_is_not_a_number_is_counted_and_changes_nothing(value: float) -> None:
    watch = DriftWatch()
    watch.feed(source("s"), 0.5, 0)
    before = dump_drift(watch)
    assert watch.feed(source("s"), value, 0) is None
    assert watch.counts.unusable == 1
    watch.counts.unusable = 0
    assert dump_drift(watch) == before


def test_a_watch_written_down_goes_on_bit_for_bit() -> None:
    whole = DriftWatch()
    fed(whole, rates=(0.05, 0.02), count=3_000)
    resumed = load_drift(dump_drift(whole), whole.rules)
    assert isinstance(resumed, DriftWatch)
    of_whole, of_resumed = (fed(one, rates=(0.1, 0.02), count=2_000) for one in (whole, resumed))

    assert of_whole
    assert of_whole == of_resumed
    assert dump_drift(whole) == dump_drift(resumed)


def test_a_watch_that_was_damaged_is_unusable_with_a_reason() -> None:
    watch = DriftWatch()
    fed(watch, rates=(0.05, 0.02), count=100)
    content = dump_drift(watch)
    for damaged in (
        b"",
        content[:-9],
        content[:-1] + bytes([content[-1] ^ 1]),
        seal(DRIFT_LAYOUT.schema, b"\x90")[0],
    ):
        assert isinstance(load_drift(damaged, watch.rules), Unusable)
    assert isinstance(load_drift(seal("drift/0", b"")[0], watch.rules), Unusable)
    assert isinstance(load_drift(content, DriftRules(streams_max=1)), Unusable)
