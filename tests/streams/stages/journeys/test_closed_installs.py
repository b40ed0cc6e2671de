"""Of who was forgotten the state names nobody, and late money is still booked, without a name."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from schemas.records import Erased, Installed, JourneyRecord
from schemas.time import DAY_MS, MINUTE_MS, LogMs
from streams.runtime.state import MemoryStore
from streams.stages.common.observer import StageObserver
from streams.stages.common.pseudonyms import AnonymousIds
from streams.stages.contract import Effects
from streams.stages.journeys.active_models import Scorers, ScoringRules
from streams.stages.journeys.journeys import Journeys
from tests.worlds.clock import NOON
from tests.worlds.records import RULES, answer, installed, purchase, refund, routed, session
from tests.worlds.stage_world import Fed, rows, settled

NAME = "0b5e6f0a-install"
SECRET, FORMER = AnonymousIds(b"s" * 32), AnonymousIds(b"f" * 32)
ASKED = LogMs(NOON + DAY_MS)
PURGED = ASKED + RULES.late_ms_max + MINUTE_MS
LATER = DAY_MS // MINUTE_MS * 20
DUE = {"matching-0": LogMs(PURGED), "closed-0": LogMs(PURGED)}


def fed(state: MemoryStore | None = None, *secrets: AnonymousIds) -> Fed:
    observer = StageObserver()
    scorers = Scorers(lambda _: None, observer, ScoringRules())
    return Fed(Journeys(0, 1, RULES, scorers, observer, secrets or (SECRET,)), state)


def first_open(
    event_id: str = "evt-first-open", minutes: float = 0, evidence: int = 7
) -> Installed:
    opened = installed(minutes, install_id=NAME)
    return replace(opened, event_id=event_id, devices=[11], evidence=[evidence], opening=evidence)


def asked() -> Erased:
    return Erased(NAME, "dsr-1", ASKED, "app")


def of_person(record: JourneyRecord) -> JourneyRecord:
    return replace(record, install_id=NAME)


@pytest.fixture
def forgotten() -> Fed:
    """Somebody installed, played, paid and asked; then the week has passed in which late records
    count."""
    world = fed()
    world.journeys(
        first_open(),
        of_person(answer()),
        of_person(session("evt-played", 5)),
        routed(purchase("sale-1", 10), install_id=NAME),
    )
    world.journeys(asked(), watermarks=DUE)
    return world


def octets(state: MemoryStore) -> bytes:
    return b"\n".join(key + value for key, value in state.entries())


def booked(effects: Effects) -> list[tuple[str, int]]:
    return [(row["install_id"], row["amount_micros"]) for row in rows(effects, "revenue")]


def test_keys_and_values_of_the_state_name_nobody(forgotten: Fed) -> None:
    for name in (NAME, "evt-first-open", "evt-played", "sale-1"):
        assert name.encode() not in octets(forgotten.state)


def test_the_key_that_named_the_person_is_deleted_in_the_changelog_too() -> None:
    world = fed()
    world.journeys(first_open(), of_person(answer()))
    effects = world.journeys(asked(), watermarks=DUE)
    named = [key for key in effects.changes if NAME.encode() in key]
    assert [effects.changes[key] for key in named] == [None]


def test_a_late_refund_is_booked_under_the_id_that_stored_rows_get(forgotten: Fed) -> None:
    effects = forgotten.journeys(
        routed(refund("refund-1", LATER, transaction_id="sale-1"), install_id=NAME)
    )
    assert booked(effects) == [(SECRET.of(NAME), -5_000_000)]
    assert NAME.encode() not in repr(effects.messages).encode()
    assert b"refund-1" not in repr(rows(effects, "revenue")).encode()
    assert NAME.encode() not in octets(forgotten.state)


def test_what_is_sent_again_is_a_repeat_and_names_nobody(forgotten: Fed) -> None:
    effects = forgotten.journeys(first_open(), of_person(session("evt-played", 5)))
    assert [one for _, one, _ in settled(effects)] == ["duplicate", "duplicate"]
    for name in (NAME, "evt-first-open", "evt-played"):
        assert name.encode() not in repr(effects.messages).encode()
    assert NAME.encode() not in octets(forgotten.state)


def test_who_comes_back_begins_a_life_that_names_no_past(forgotten: Fed) -> None:
    back = first_open("evt-back", LATER, evidence=8)
    effects = forgotten.journeys(back, replace(of_person(answer()), opening=8))
    (row,) = rows(effects, "attributions")
    assert (row["install_id"], row["conversion_id"]) == (NAME, f"{NAME}~evt-back")
    assert (row["conversion_type"], row["prior_install_id"]) == ("install", "")
    effects = forgotten.journeys(
        routed(purchase("sale-2", LATER + 10), install_id=NAME),
        routed(refund("refund-1", LATER + 10, transaction_id="sale-1"), install_id=NAME),
    )
    assert [name for name, _ in booked(effects)][:1] == [NAME]


def test_a_request_of_somebody_unknown_is_kept_without_the_name_until_more_is_known() -> None:
    world = fed()
    world.journeys(asked())
    assert NAME.encode() not in octets(world.state)
    effects = world.journeys(first_open(), of_person(answer()))
    (row,) = rows(effects, "attributions")
    assert (row["install_id"], row["event_id"]) == (NAME, "")  # Erased: it was logged before.
    world.journeys(watermarks=DUE)
    assert NAME.encode() not in octets(world.state)


def test_who_was_forgotten_under_the_secret_before_is_known_until_that_is_gone() -> None:
    world = fed(None, FORMER)
    world.journeys(first_open(), of_person(answer()))
    world.journeys(asked(), watermarks=DUE)
    rotated = fed(world.state, SECRET, FORMER)
    effects = rotated.journeys(routed(purchase("sale-1", LATER), install_id=NAME))
    assert booked(effects) == [(FORMER.of(NAME), 5_000_000)]


def test_later_lives_are_closed_with_the_first_one() -> None:
    world = fed()
    world.journeys(first_open(), of_person(answer()))
    world.journeys(
        first_open("evt-second", 600, evidence=9), replace(of_person(answer()), opening=9)
    )
    world.journeys(asked(), watermarks=DUE)
    assert len([key for key, _ in world.state.entries() if key.startswith(b"j:")]) == 2
    for name in (NAME, "evt-first-open", "evt-second"):
        assert name.encode() not in octets(world.state)


@pytest.mark.parametrize("app_id", ["erased-", SECRET.of("another")])
def test_of_an_app_whose_id_looks_like_a_hash_people_are_forgotten_too(app_id: str) -> None:
    world = fed()
    world.journeys(
        replace(first_open(), app_id=app_id), replace(of_person(answer()), app_id=app_id)
    )
    world.journeys(replace(asked(), app_id=app_id), watermarks=DUE)
    for name in (NAME, "evt-first-open"):
        assert name.encode() not in octets(world.state)
