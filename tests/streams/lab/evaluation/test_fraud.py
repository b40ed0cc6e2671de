"""Labelled fraud worlds, and figures that say how much of the fraud was found."""

from __future__ import annotations

from collections import Counter

import pytest

from schemas import topics
from schemas.decode import Unreadable, decode
from schemas.events import Install, Touchpoint
from schemas.records import site_key
from streams.lab.evaluation.fraud import Findings, decide_traffic, evaluate_fraud, fraud_figures
from streams.lab.simulator.fraud_worlds import (
    GENERATORS,
    FraudKind,
    LabelledTraffic,
    make_traffic,
)
from streams.progress import ignore_progress

EVENTS = 6_000


@pytest.fixture(scope="module", params=sorted(GENERATORS))
def world(request: pytest.FixtureRequest) -> LabelledTraffic:
    return make_traffic(GENERATORS[request.param], 5, EVENTS)


def events(world: LabelledTraffic) -> tuple[dict[str, Touchpoint], dict[str, Install]]:
    """Touchpoints and installs by id; every message can be read."""
    touches: dict[str, Touchpoint] = {}
    installs: dict[str, Install] = {}
    for message in world.messages:
        event = decode(message.value, message.topic, message.timestamp, 0)
        assert not isinstance(event, Unreadable)
        if isinstance(event, Touchpoint):
            touches[event.touch_id] = event
        elif isinstance(event, Install):
            installs[event.install_id] = event
    return touches, installs


def test_a_world_has_as_many_events_as_asked_for_in_log_order(world: LabelledTraffic) -> None:
    times = [message.timestamp for message in world.messages]
    assert len(times) == EVENTS
    assert times == sorted(times)
    assert {one.topic for one in world.messages} == {
        topics.TOUCHPOINTS.name, topics.INSTALLS.name,
    }  # fmt: skip


def test_equal_seeds_give_equal_worlds_and_others_do_not() -> None:
    for kind in GENERATORS.values():
        assert make_traffic(kind, 1, 1_000).messages == make_traffic(kind, 1, 1_000).messages
        assert make_traffic(kind, 1, 1_000).messages != make_traffic(kind, 2, 1_000).messages


def test_labels_are_true_of_the_messages(world: LabelledTraffic) -> None:
    touches, installs = events(world)
    assert {label.install_id for label in world.labels} == set(installs)
    for label in world.labels:
        install = installs[label.install_id]
        if label.touch_id:
            assert touches[label.touch_id].event_time < install.event_time
        for touch_id in label.fake_touch_ids:
            fake = touches[touch_id]
            assert fake.gaid == install.gaid  # or nobody would believe it
            assert fake.event_time <= install.event_time
            key = site_key(fake.app_id, fake.media_source, fake.site_id or "")
            assert key == label.cheating_site


def test_injected_clicks_come_after_the_download_began(world: LabelledTraffic) -> None:
    touches, installs = events(world)
    after = Counter(
        touches[touch_id].event_time > begin * 1_000 - 3_000
        for label in world.labels
        if label.cheating is FraudKind.CLICK_INJECTION
        and (begin := installs[label.install_id].install_begin_time_server_s)
        for touch_id in label.fake_touch_ids
    )
    assert after[True] > 10
    assert after[False] == 0


def test_every_cheat_is_there_and_most_people_are_honest(world: LabelledTraffic) -> None:
    kinds = Counter(label.cheating for label in world.labels)
    assert kinds[FraudKind.NONE] > len(world.labels) / 2
    assert kinds[FraudKind.CLICK_INJECTION] > 10
    assert kinds[FraudKind.CLICK_FLOODING] > 10
    assert world.flooding_sites


def test_nothing_found_is_no_recall_and_nobody_suspected_is_no_mistake(
    world: LabelledTraffic,
) -> None:
    found = fraud_figures(world, Findings(0.95))
    assert found["injection_recall"] == 0
    assert found["injection_precision"] == 1
    assert found["clean_rejected_share"] == 0
    assert found["injected_missed"] == found["injected"]


def test_most_injections_are_found_and_honest_installs_keep_their_credit(
    world: LabelledTraffic,
) -> None:
    found = fraud_figures(world, decide_traffic(world, ignore_progress, ""))
    assert found["injection_recall"] >= 0.9
    assert found["injection_precision"] >= 0.95
    assert found["clean_rejected_share"] <= 0.01


def test_the_evaluation_answers_for_every_generator() -> None:
    heard: list[tuple[str, int, int]] = []
    answer = evaluate_fraud(3, 1_000, lambda *report: heard.append(report))
    assert set(answer) == {*GENERATORS, "events", "seed"}
    for name in GENERATORS:
        assert {
            "injection_recall", "injection_precision", "flooding_site_recall",
            "clean_rejected_share",
        } < set(answer[name])  # fmt: skip
    assert heard[-1][1] == heard[-1][2] > 0
