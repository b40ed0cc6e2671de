"""Where the time of an install went is told from offsets alone."""

from __future__ import annotations

import asyncio
import io

import orjson
import pytest

from schemas import topics
from streams.stages.contract import Effects, Message
from tests.benchmarks.latency.hops import HOPS, HopTrace, InstallPlaces, by_hop
from tests.benchmarks.latency.traced_worker import TracingMetrics
from tests.worlds.lane_world import INPUT, World, records

INSTALL, LOOKUP, LATER_LOOKUP = ("installs", 0, 7), ("match", 1, 3), ("match", 2, 9)
ANSWER, LATER_ANSWER = ("journeys", 0, 4), ("journeys", 0, 6)


def trace() -> HopTrace:
    """An install is published at 0.0, asks twice, and is decided when the later answer is there."""
    return HopTrace([
        ["arrival", "installs", 0, 5, 9, 1.0],
        ["step", "intake", 0, {"touchpoints": 40, "installs": 7}, 0.5, 0.6, []],
        ["step", "intake", 0, {"touchpoints": 50, "installs": 9}, 2.0, 3.0, []],
        ["arrival", "match", 1, 3, 4, 3.5],
        ["step", "matching", 1, {"match": 4}, 3.6, 3.9, []],
        ["arrival", "match", 2, 8, 10, 4.0],
        ["step", "matching", 2, {"match": 10}, 5.0, 6.0, []],
        ["arrival", "journeys", 0, 4, 5, 4.1],
        ["arrival", "journeys", 0, 5, 8, 7.0],
        ["step", "journeys", 0, {"journeys": 8}, 9.0, 9.5, []],
        ["step", "journeys", 0, {"journeys": 9}, 10.0, 12.0, ["i"]],
    ])  # fmt: skip


def places() -> InstallPlaces:
    found = InstallPlaces(events={"i": INSTALL})
    found.lookups["i"] = [LOOKUP, LATER_LOOKUP]
    found.answers["i"] = [ANSWER, LATER_ANSWER]
    return found


def test_the_hops_follow_the_last_answer_and_add_up_to_the_whole() -> None:
    hops = trace().hops("i", 0.0, places(), 12.5)
    assert hops is not None
    assert dict(zip(HOPS, hops, strict=True)) == {
        "publish_to_intake": 1.0,
        "intake_waiting": 1.0,
        "intake_commit": 1.0,
        "intake_to_matching": 1.0,
        "matching_waiting": 1.0,
        "matching_commit": 1.0,
        "matching_to_journeys": 1.0,
        "journeys_waiting": 3.0,
        "journeys_commit": 2.0,
        "commit_to_reader": 0.5,
    }
    assert sum(hops) == 12.5


def test_an_answer_after_the_decision_is_not_what_it_waited_for() -> None:
    late = places()
    late.answers["i"].append(("journeys", 0, 20))
    with_late_answer = HopTrace([
        ["arrival", "journeys", 0, 20, 21, 11.0],
        *(["arrival", "journeys", 0, 6, 8, 7.0], ["arrival", "journeys", 0, 4, 5, 4.1]),
        ["arrival", "installs", 0, 7, 8, 1.0],
        ["step", "intake", 0, {"installs": 8}, 2.0, 3.0, []],
        ["arrival", "match", 2, 9, 10, 4.0],
        ["step", "matching", 2, {"match": 10}, 5.0, 6.0, []],
        ["step", "journeys", 0, {"journeys": 9}, 10.0, 12.0, ["i"]],
    ])  # fmt: skip
    hops = with_late_answer.hops("i", 0.0, late, 12.5)
    assert hops is not None
    assert hops[HOPS.index("matching_to_journeys")] == 1.0


@pytest.mark.parametrize("lost", ["events", "lookups", "answers"])
def test_an_install_of_which_something_is_unknown_is_left_out(lost: str) -> None:
    found = places()
    getattr(found, lost).clear()
    assert trace().hops("i", 0.0, found, 12.5) is None


def test_the_means_of_the_hops_add_up() -> None:
    figures = by_hop([(0.1,) * len(HOPS), (0.3,) * len(HOPS)])
    assert figures["intake_commit"] == {"p50": 300.0, "p99": 300.0, "mean": 200.0}
    assert sum(one["mean"] for one in figures.values()) == pytest.approx(200.0 * len(HOPS))


def test_a_worker_traces_what_its_lanes_read_and_commit() -> None:
    async def story() -> list[bytes]:
        file = io.BytesIO()
        world = World(observer=TracingMetrics(file))
        async with world.running() as lane:
            lane.offer(INPUT, records(3, 4))
            await world.log.until([3, 4])
            await asyncio.sleep(0)  # The lane reports its checkpoint.
        return file.getvalue().splitlines()

    trace = HopTrace(map(orjson.loads, asyncio.run(story())))
    arrived, step = trace.arrival(("match", 0, 4)), trace.step(("match", 0, 4))
    assert arrived is not None
    assert step is not None
    assert arrived <= step.decided_at <= step.committed_at
    assert trace.arrival(("match", 0, 5)) is None
    assert trace.step(("match", 0, 5)) is None


def test_the_first_prediction_of_an_install_names_its_decision() -> None:
    file = io.BytesIO()
    tracing = TracingMetrics(file)
    effects = Effects(positions={("journeys", 0): 9})
    for key, landmark in ((b"i", b"install"), (b"j", b"d1")):
        value = b'{"landmark":"' + landmark + b'"}'
        effects.send(topics.PREDICTIONS.name, 0, Message(key, value))
    tracing.on_decided("journeys", 0, effects)
    tracing.on_checkpoint("journeys", 0, 1, 0.0, 0.0)
    (line,) = map(orjson.loads, file.getvalue().splitlines())
    assert (line[:4], line[-1]) == (["step", "journeys", 0, {"journeys": 9}], ["i"])
