"""What the oracle once found in the core: a short story each, told in every order of arrival."""

from __future__ import annotations

from itertools import permutations

import pytest

from attribution.rules.rules import Rules
from schemas.records import ActivitySeen, Installed, Signal, Touch, TouchKind
from schemas.time import EventMs, LogMs, Millis
from tests.oracle.comparison import Truth, differences, truth_of
from tests.oracle.generated.draws import APP, NOON
from tests.oracle.generated.play import reported_by
from tests.oracle.generated.router import records_of
from tests.oracle.history import History, Opened, Shown, Visit, namings_of
from tests.oracle.rulebook import DAY, HOUR, Rulebook

NO_EXCEPTIONS = Rulebook({}, ())


def opened(*lookups: tuple[str, Signal]) -> Opened:
    install = Installed(
        "i",
        "install",
        APP,
        "android",
        "DE",
        "1",
        "14",
        EventMs(NOON),
        LogMs(NOON),
        len(lookups),
        False,
        (1, 0, 0),
    )
    return Opened(install, lookups)


def retargeting(name: str, time: int, *keys: str) -> Shown:
    touch = Touch(
        name, "c", TouchKind.CLICK, EventMs(time), LogMs(time), "north", "", "", "", "", "", "",
        Millis(0), Millis(0),
        is_retargeting=True,
    )  # fmt: skip
    return Shown(touch, keys)


def visit(name: str, time: int, key: str = "") -> Visit:
    return Visit(
        ActivitySeen("i", name, "session", True, EventMs(time), LogMs(time), (2, 0, 0)), key
    )


def agreed(shown: Shown, opened: Opened, *visits: Visit) -> Truth:
    """What both say, whatever arrives first."""
    history = History((shown,), (opened,), visits, namings_of(visits))
    truth = truth_of(history, NO_EXCEPTIONS)
    for arrived in permutations(records_of(history)):
        assert differences(reported_by(list(arrived), Rules()), truth) == [], arrived
    return truth


def test_a_return_that_is_known_before_the_last_answer_is_told_with_it() -> None:
    shown = retargeting("ad", NOON + 8 * DAY, "device")
    back = visit("s", NOON + 8 * DAY + HOUR)
    truth = agreed(shown, opened(("device", Signal.DEVICE_ID)), back)
    assert [one.touch for one in truth.returns["i"]] == ["ad"]


def test_a_referrer_that_names_the_same_click_does_not_hide_it_from_the_device() -> None:
    shown = retargeting("ad", NOON + 8 * DAY, "click", "device")
    lookups = ("click", Signal.REFERRER), ("device", Signal.DEVICE_ID)
    back = visit("s", NOON + 8 * DAY + HOUR)
    truth = agreed(shown, opened(*lookups), back)
    assert [one.touch for one in truth.returns["i"]] == ["ad"]


@pytest.mark.parametrize("between", [DAY, 35 * DAY])
def test_it_does_not_matter_which_of_two_sessions_named_a_click_first(between: int) -> None:
    shown = retargeting("ad", NOON + 8 * DAY, "click")
    first = visit("s1", NOON + 8 * DAY + HOUR, "click")
    second = visit("s2", NOON + 8 * DAY + HOUR + between, "click")
    truth = agreed(shown, opened(), first, second)
    assert [one.touch for one in truth.returns["i"]] == ["ad"]


def test_a_click_that_only_a_session_names_explains_no_install() -> None:
    shown = retargeting("ad", NOON - HOUR, "click")
    truth = agreed(shown, opened(), visit("s", NOON + HOUR, "click"))
    assert truth.verdicts["i"].winner == ""
    assert truth.returns["i"] == []


def test_a_session_that_names_a_click_later_tells_of_the_stronger_evidence() -> None:
    shown = retargeting("ad", NOON + 8 * DAY, "click", "device")
    back, later = visit("s1", NOON + 8 * DAY + HOUR), visit("s2", NOON + 9 * DAY, "click")
    truth = agreed(shown, opened(("device", Signal.DEVICE_ID)), back, later)
    assert [one.signal for one in truth.returns["i"]] == [Signal.CLICK_ID]
