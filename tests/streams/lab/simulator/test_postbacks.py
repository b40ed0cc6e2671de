"""Simulated postbacks are signed, of every kind, sent again, and now and then forged."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Any

import numpy as np

from attribution.postbacks.postback import Postback, postback_id
from attribution.postbacks.postback_check import PostbackCheck, PostbackRules
from schemas.decode import decode
from schemas.events import AakPostback, SkanPostback
from schemas.topics import POSTBACKS
from streams.lab.simulator.drafts.apple_signatures import public_keys, sign_jws, sign_skadnetwork
from streams.lab.simulator.drafts.message_parts import make_message_parts
from streams.lab.simulator.drafts.postbacks import draft_postbacks
from streams.lab.simulator.plan import make_plan
from streams.lab.simulator.scenario import Scenario
from streams.stages.intake.rows import FRAMEWORKS
from tests.worlds.postback_world import PAYLOAD, VERSION_4_0

SCENARIO = Scenario.standard(events=400_000, seed=11)
A_LATER_DAY = 1_900_000_000_000


@cache
def drafts() -> tuple[bytes, ...]:
    parts = make_message_parts(make_plan(SCENARIO))
    rows = np.arange(len(parts.plan.postbacks.time))
    return tuple(draft.value for draft in draft_postbacks(parts, rows))


@cache
def read() -> tuple[tuple[str, Postback], ...]:
    """Id and content of every postback."""
    trusting = PostbackCheck(PostbackRules(own_keys=public_keys()))
    found = []
    for value in drafts():
        event = decode(value, POSTBACKS.name, A_LATER_DAY, 0)
        assert isinstance(event, SkanPostback | AakPostback)
        postback, _ = trusting(FRAMEWORKS[type(event)], event.body, event.app_id)
        found.append((postback_id(postback, event.body), postback))
    return tuple(found)


def test_who_trusts_the_simulators_key_finds_most_postbacks_valid() -> None:
    states = Counter(postback.verdict.state for _, postback in read())
    assert set(states) == {"valid", "invalid"}
    assert 0.02 < states["invalid"] / states.total() < 0.15


def test_who_trusts_only_apple_finds_none_valid() -> None:
    trusting = PostbackCheck(PostbackRules())
    for value in drafts()[:64]:
        event = decode(value, POSTBACKS.name, A_LATER_DAY, 0)
        assert isinstance(event, SkanPostback | AakPostback)
        postback, _ = trusting(FRAMEWORKS[type(event)], event.body, event.app_id)
        assert postback.verdict.state != "valid"


def test_there_are_both_frameworks_versions_values_losers_and_second_postbacks() -> None:
    seen: dict[str, set[Any]] = {}
    for _, postback in read():
        for name in ("framework", "version", "conversion_type", "did_win", "sequence_index"):
            seen.setdefault(name, set()).add(getattr(postback, name))
        seen.setdefault("coarse", set()).add(postback.value.coarse)
    assert seen == {
        "framework": {"skadnetwork", "adattributionkit"},
        "version": {"3.0", "4.0", ""},
        "conversion_type": {"download", "redownload", "re-engagement"},
        "did_win": {True, False},
        "sequence_index": {0, 1},
        "coarse": {"", "low", "medium", "high"},
    }


def test_devices_send_some_of_them_twice() -> None:
    copies = Counter(name for name, _ in read())
    again = sum(times - 1 for times in copies.values())
    assert set(copies.values()) == {1, 2}
    assert 0.1 < again / len(read()) < 0.2


def test_equal_seeds_give_equal_signatures() -> None:
    assert sign_skadnetwork(VERSION_4_0) == sign_skadnetwork(VERSION_4_0)
    assert sign_jws(PAYLOAD) == sign_jws(PAYLOAD)
