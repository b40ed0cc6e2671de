"""What speaks against a candidate, one reason at a time, to the millisecond."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from attribution.decision.candidates import Candidate
from attribution.decision.fraud import REASONS, FraudReason, FraudRules, Hit, hits
from schemas.records import Flag, Installed, Signal, SiteVerdict, Touch
from schemas.time import LogMs
from tests.worlds.clock import HOUR, at
from tests.worlds.records import click, installed, view

MS = 1 / 60_000
SECOND = 1 / 60
RULES = FraudRules()
INSTALL = installed(0)


def device(touch: Touch) -> Candidate:
    return Candidate(Signal.DEVICE_ID, touch)


def reported(
    candidate: Candidate, *rivals: Candidate, install: Installed = INSTALL,
    verdicts: tuple[SiteVerdict, ...] = (), rules: FraudRules = RULES,
) -> dict[str, Hit]:  # fmt: skip
    found = hits(candidate, [candidate, *rivals], install, verdicts, rules)
    return {hit.reason: hit for hit in found}


def test_an_ordinary_click_has_nothing_against_it() -> None:
    begun = replace(INSTALL, begin_time=at(-2), referrer_click_time=at(-3))
    assert reported(device(click("a", -3)), device(view("b", -1)), install=begun) == {}


@pytest.mark.parametrize(
    ("minutes", "is_injected"),
    [
        (-5, False),
        (-5 + 5 * SECOND, False),
        (-5 + 5 * SECOND + MS, True),
        (-1, True),
        (0, True),
        (MS, False),  # came after the install: another rule
    ],
)
def test_a_touch_between_download_and_first_open_was_injected(
    minutes: float, is_injected: bool
) -> None:
    begun = replace(INSTALL, begin_time=at(-5))
    for touch in (click("a", minutes), view("a", minutes)):
        assert ("engagement_injection" in reported(device(touch), install=begun)) == is_injected


def test_injection_says_how_many_seconds_after_the_download_began() -> None:
    begun = replace(INSTALL, begin_time=at(-5))
    hit = reported(device(click("a", -3)), install=begun)["engagement_injection"]
    assert hit == Hit("engagement_injection", "reject", 120.0, "after_install_begin")


def test_without_the_time_of_the_download_nobody_can_be_said_to_have_injected() -> None:
    assert "engagement_injection" not in reported(device(click("a", -SECOND)))


@pytest.mark.parametrize(
    ("minutes", "is_short"), [(-10 * SECOND, False), (-10 * SECOND + MS, True), (0, True)]
)
def test_a_click_to_install_time_below_ten_seconds_is_suspicious(
    minutes: float, is_short: bool
) -> None:
    found = reported(device(click("a", minutes)))
    assert ("ctit_anomalies" in found) == is_short
    if is_short:
        assert found["ctit_anomalies"].value == round(-minutes * 60, 3)


def test_a_touch_without_time_is_not_judged_by_time() -> None:
    payload = replace(click("apple", 0), time=0)
    begun = replace(INSTALL, begin_time=at(-5))
    assert reported(Candidate(Signal.ADSERVICES, payload), install=begun) == {}


def test_a_download_after_the_first_open_is_an_impossible_order() -> None:
    assert not reported(device(click("a", -9)), install=replace(INSTALL, begin_time=at(0)))
    hit = reported(device(click("a", -9)), install=replace(INSTALL, begin_time=at(MS)))
    assert hit["impossible_order"] == Hit("impossible_order", "tag", 0.001, "begin_after_open")


def test_a_referrer_that_clicked_after_the_download_began_is_an_impossible_order() -> None:
    lying = replace(INSTALL, begin_time=at(-2), referrer_click_time=at(-1))
    hit = reported(device(click("a", -9)), install=lying)["impossible_order"]
    assert (hit.value, hit.sub_reason) == (60.0, "referrer_click_after_begin")


@pytest.mark.parametrize(("minutes", "is_hit"), [(HOUR, False), (HOUR + MS, True)])
def test_a_referrer_must_tell_the_time_of_the_recorded_click(minutes: float, is_hit: bool) -> None:
    click_time = -2 * HOUR
    lying = replace(INSTALL, referrer_click_time=at(click_time + minutes))
    by_referrer = Candidate(Signal.REFERRER, click("a", click_time))
    assert ("referrer_time_mismatch" in reported(by_referrer, install=lying)) == is_hit
    assert not reported(device(click("a", click_time)), install=lying)  # another touchpoint's time


@pytest.mark.parametrize(
    ("flag", "reason", "sub_reason"),
    [
        (Flag.SIGNATURE_MISSING, "incorrect_signature", "missing"),
        (Flag.SIGNATURE_INVALID, "incorrect_signature", "invalid"),
        (Flag.SIGNATURE_STALE, "stale_signature", ""),
        (Flag.MALFORMED_ID, "malformed_advertising_id", "touchpoint"),
    ],
)
def test_what_intake_found_wrong_with_a_touchpoint_speaks_against_it(
    flag: Flag, reason: FraudReason, sub_reason: str
) -> None:
    flagged = replace(click("a", -9), flags=int(flag))
    found = reported(device(flagged), device(click("b", -8)))
    assert {reason: hit.sub_reason for reason, hit in found.items()} == {reason: sub_reason}
    assert not reported(device(click("b", -8)), device(flagged))


@pytest.mark.parametrize(
    ("flag", "reason", "sub_reason"),
    [
        (Flag.SIGNATURE_INVALID, "incorrect_signature", "sdk"),
        (Flag.MALFORMED_ID, "malformed_advertising_id", "install"),
    ],
)
def test_what_intake_found_wrong_with_an_install_speaks_against_every_candidate(
    flag: Flag, reason: str, sub_reason: str
) -> None:
    hit = reported(device(click("a", -9)), install=replace(INSTALL, flags=int(flag)))[reason]
    assert hit.sub_reason == sub_reason


def clicks_of_a_day(count: int) -> list[Candidate]:
    """The last one at minute -10, the first one exactly 24 hours before it."""
    step = 24 * HOUR / (count - 1)
    return [device(click(f"c{n:02}", -10 - n * step)) for n in range(count)]


def test_sixteen_clicks_of_a_site_within_a_day_are_too_many_and_none_of_them_counts() -> None:
    crowd = clicks_of_a_day(16)
    for one in crowd:
        assert reported(one, *crowd)["too_many_engagements"].value == 16
    assert not reported(crowd[0], *crowd[1:15])
    honest = device(click("honest", -10 - 48 * HOUR - MS))
    assert not reported(honest, *crowd)


def test_clicks_of_other_sites_and_views_are_no_engagements_of_this_site() -> None:
    last, *others = clicks_of_a_day(16)
    elsewhere = [replace(one, touch=replace(one.touch, site_id="other")) for one in others]
    views = [device(view(one.touch.event_id, -20)) for one in others]
    earlier = [replace(one, touch=replace(one.touch, time=at(-10 - 24 * HOUR - MS)))
               for one in others]  # fmt: skip
    for rivals in (elsewhere, views, earlier):
        assert not reported(last, *rivals)


def claim(event_id: str, media_source: str, *, logged: float) -> Candidate:
    touch = click(event_id, -60, ts=logged)
    return device(replace(touch, touch_id="shared click id", media_source=media_source))


def test_of_several_sources_with_one_click_id_only_the_first_logged_may_win() -> None:
    first, copy, again = (
        claim("b", "north", logged=-60),
        claim("a", "south", logged=-59),
        claim("c", "north", logged=-58),
    )
    assert not reported(first, copy, again)
    assert reported(copy, first, again)["duplicate_click_id"].sub_reason == "north"
    assert reported(again, first, copy)["duplicate_click_id"].value == 3


def test_copies_of_one_source_are_no_claims_of_several() -> None:
    assert not reported(claim("a", "north", logged=-60), claim("b", "north", logged=-59))


def test_of_two_claims_logged_at_once_the_lesser_id_counts() -> None:
    one, other = claim("a", "north", logged=-60), claim("b", "south", logged=-60)
    assert not reported(one, other)
    assert reported(other, one)


def site_says(value: float, ts: int = 0, event_id: str = "a") -> SiteVerdict:
    return SiteVerdict("i1", event_id, "click_flood", value, LogMs(ts))


def test_a_site_verdict_counts_from_the_stated_posterior_on_and_only_for_its_touchpoint() -> None:
    candidate = device(click("a", -HOUR))
    assert not reported(candidate, verdicts=(site_says(0.949),))
    assert not reported(candidate, verdicts=(site_says(1.0, event_id="b"),))
    hit = reported(candidate, verdicts=(site_says(0.95),))["click_flood"]
    assert hit == Hit("click_flood", "tag", 0.95, "")


def test_a_later_judgement_of_the_site_takes_the_earlier_one_back() -> None:
    candidate = device(click("a", -HOUR))
    earlier, later = site_says(1.0, ts=1), site_says(0.2, ts=2)
    for verdicts in ((earlier, later), (later, earlier)):
        assert not reported(candidate, verdicts=verdicts)


def test_modes_are_those_of_the_rules() -> None:
    begun = replace(INSTALL, begin_time=at(-5))
    lenient = FraudRules(engagement_injection="suspicious", ctit_anomalies="off")
    found = hits(device(click("a", -SECOND)), [], begun, (), lenient)
    assert [(hit.reason, hit.mode) for hit in found] == [("engagement_injection", "suspicious")]


def test_every_reason_has_a_mode() -> None:
    assert {getattr(RULES, reason) for reason in REASONS} == {"reject", "suspicious", "tag"}
