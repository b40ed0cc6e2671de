"""Whoever is erased by one key is known under others, and matching hears of each once."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from schemas.records import (
    Erased,
    Installed,
    InstallErased,
    JourneyRecord,
    LinksCut,
    MatchRecord,
    Signal,
    match_frames,
)
from schemas.time import LogMs
from streams.runtime.state import MemoryStore
from streams.stages.common.observer import StageObserver
from streams.stages.common.pseudonyms import AnonymousIds
from streams.stages.contract import Effects
from streams.stages.journeys.active_models import Scorers, ScoringRules
from streams.stages.journeys.journeys import Journeys
from tests.worlds.clock import DAY, WEEK, logged_at
from tests.worlds.records import RULES, answer, click, installed, purchase, routed, session
from tests.worlds.stage_world import Fed, rows

DEVICE, CLICK, ACCOUNT = "d:app:0b5e", "c:app:click-1", "u:app:77aa"
ASKED = logged_at(60)
GONE = {"matching-0": ASKED + RULES.late_ms_max + 1, "closed-0": ASKED + RULES.late_ms_max + 1}


class Bounds(StageObserver):
    def __init__(self) -> None:
        self.found: dict[str, int] = {}

    def on_evicted(self, bound: str, count: int) -> None:
        self.found[bound] = self.found.get(bound, 0) + count


def fed(observer: StageObserver | None = None, state: MemoryStore | None = None) -> Fed:
    observer = observer or StageObserver()
    scorers = Scorers(lambda _: None, observer, ScoringRules())
    return Fed(Journeys(0, 1, RULES, scorers, observer, (AnonymousIds(b"s" * 32),)), state)


def opened(minutes: float = 0, *keys: str) -> Installed:
    return replace(installed(minutes), keys=list(keys or (DEVICE, CLICK)), evidence=[7])


def played(minutes: float, *keys: str) -> JourneyRecord:
    return replace(session(f"s{minutes}", minutes), keys=list(keys))


def erased(ts: LogMs = ASKED) -> Erased:
    return Erased("i1", "dsr-1", ts, "app")


def reported(effects: Effects) -> list[MatchRecord]:
    messages = effects.messages.get(("match", 0), [])
    return [
        one for message in messages for one in match_frames.decode(message.value or b"").records
    ]


def keys_of(effects: Effects) -> list[tuple[str, str, int]]:
    found = [one for one in reported(effects) if isinstance(one, InstallErased)]
    return [(one.key, one.install_id, one.ts) for one in found]


def test_all_keys_of_an_erased_install_are_told_and_those_of_nobody_else() -> None:
    world = fed()
    paid = replace(purchase(), account="u:app:mail")
    before = world.journeys(opened(), answer(), played(5, ACCOUNT), routed(paid, install_id="i1"))
    assert reported(before) == []
    other = replace(installed(1, install_id="other"), keys=["d:app:other"])
    effects = world.journeys(other, erased())
    keys = (DEVICE, CLICK, ACCOUNT, "u:app:mail")
    assert keys_of(effects) == [(key, "i1", ASKED) for key in keys]
    (receipt,) = rows(effects, "privacy-receipts")
    assert receipt["found"]["keys"] == len(keys)


def test_the_same_request_again_tells_nothing_and_a_key_that_comes_later_is_told() -> None:
    world = fed()
    world.journeys(opened(), answer(), erased())
    assert reported(world.journeys(erased())) == []
    assert keys_of(world.journeys(played(70, ACCOUNT))) == [(ACCOUNT, "i1", ASKED)]
    assert reported(world.journeys(played(71, ACCOUNT))) == []


def test_an_install_that_is_read_after_its_request_tells_its_keys_too() -> None:
    world = fed()
    world.journeys(erased())
    assert keys_of(world.journeys(opened(5))) == [(DEVICE, "i1", ASKED), (CLICK, "i1", ASKED)]


def test_once_it_is_carried_out_the_state_has_no_key_and_late_records_tell_theirs() -> None:
    world = fed()
    world.journeys(opened(), answer(), played(5, ACCOUNT))
    world.journeys(erased(), watermarks=GONE)
    late = WEEK + DAY
    effects = world.journeys(played(late, ACCOUNT))
    (record,) = [one for one in reported(effects) if isinstance(one, InstallErased)]
    assert (record.key, record.install_id, record.is_late) == (ACCOUNT, "i1", True)
    again = world.journeys(opened(late, DEVICE))
    assert [key for key, _, _ in keys_of(again)] == [DEVICE]
    octets = b"".join(key + value for key, value in world.state.entries())
    for key in (DEVICE, CLICK, ACCOUNT):
        assert key.encode() not in octets


def test_of_very_many_keys_the_first_are_told_and_the_others_are_counted() -> None:
    bounds = Bounds()
    world = fed(bounds)
    many = [f"c:app:{n}" for n in range(RULES.keys_per_install_max + 3)]
    world.journeys(opened(), answer(), played(5, *many))
    assert bounds.found == {"keys_per_install_max": 5}
    assert len(keys_of(world.journeys(erased()))) == RULES.keys_per_install_max


@pytest.mark.parametrize("is_cut_first", [False, True])
def test_a_click_that_is_cut_off_brings_nobody_back(is_cut_first: bool) -> None:
    world = fed()
    cut = LinksCut("i1", logged_at(-1), "app", touch_id="touch+of+old")
    found = answer(click("old", -5), signal=Signal.CLICK_ID)
    records: list[JourneyRecord] = [cut, found] if is_cut_first else [found, cut]
    effects = [world.journeys(opened()), *(world.journeys(one) for one in records)]
    decided = [row for one in effects for row in rows(one, "attributions")]
    assert decided[-1]["media_source"] in ("", None, "organic")
