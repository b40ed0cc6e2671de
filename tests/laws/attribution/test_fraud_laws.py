"""Fraud hits never depend on the order of candidates: a naive reading of the rules agrees."""

from __future__ import annotations

import random

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from attribution.decision.candidates import Candidate
from attribution.decision.fraud import REASONS, FraudRules, Mode, hits
from schemas.records import Flag, Installed, Signal, SiteVerdict, Touch, TouchKind
from schemas.time import DAY_MS, HOUR_MS, EventMs, LogMs, Millis
from tests.worlds.clock import NOON
from tests.worlds.records import installed

RULES = FraudRules(engagements_max=2)
BEGUN = NOON - 600_000
EDGES = (NOON, NOON - 10_000, BEGUN, BEGUN + 5_000, BEGUN - HOUR_MS, BEGUN - DAY_MS)

near_an_edge = st.builds(lambda edge, by: edge + by, st.sampled_from(EDGES), st.integers(-1, 1))
sources = st.sampled_from(("north", "south"))
flags = st.integers(0, 15)


@st.composite
def candidates(draw: st.DrawFn) -> list[Candidate]:
    ids = draw(st.lists(st.sampled_from("abcdefgh"), unique=True, min_size=1))
    return [Candidate(draw(st.sampled_from(Signal)), draw(touches(one))) for one in ids]


@st.composite
def touches(draw: st.DrawFn, event_id: str) -> Touch:
    time = draw(st.one_of(near_an_edge, st.just(0)))
    return Touch(
        event_id, draw(st.sampled_from(("t1", "t2"))), draw(st.sampled_from(TouchKind)),
        EventMs(time),
        LogMs(time + draw(st.integers(0, 1))), draw(sources), "", "", "", "", "", draw(sources),
        Millis(0), Millis(0),
        flags=draw(flags),
    )  # fmt: skip


installs = st.builds(
    lambda begin, clicked, bits, clocks, late, correction: replace(
        installed(install_id="i"),
        begin_time=begin,
        referrer_click_time=clicked,
        flags=bits | clocks,
        ts=LogMs(NOON + late),
        time_correction=correction,
    ),
    st.sampled_from((0, BEGUN, NOON, NOON + 1)),
    st.one_of(st.just(0), near_an_edge),
    flags,
    st.sampled_from((0, Flag.DEVICE_CLOCK, Flag.DEVICE_CLOCK | Flag.DEVICE_CLICK_TIME)),
    st.sampled_from((0, 1, 90_000)),
    st.sampled_from(("", "", "before_download")),
)
verdicts = st.lists(
    st.builds(
        SiteVerdict,
        st.just("i"),
        st.sampled_from("abc"),
        st.sampled_from(("click_flood", "distribution_outlier", "behavioral_anomalies")),
        st.sampled_from((0.0, 0.5, 0.949, 0.95, 1.0)),
        st.integers(0, 2),
    ),
    max_size=4,
)


def _crowd(touch: Touch, every: list[Candidate]) -> int:
    """Most clicks of the site in a day that this click lies in."""
    times = [
        other.touch.time
        for other in every
        if other.touch.kind == TouchKind.CLICK
        and (other.touch.media_source, other.touch.site_id) == (touch.media_source, touch.site_id)
    ]
    return max(
        sum(0 <= last - time <= DAY_MS for time in times)
        for last in times
        if 0 <= last - touch.time <= DAY_MS
    )


def _condemned(touch: Touch, judged: list[SiteVerdict]) -> dict[str, bool]:
    """What the history of its site says last of the touchpoint, by reason."""
    found: dict[str, bool] = {}
    for reason in ("click_flood", "distribution_outlier", "behavioral_anomalies"):
        output = [
            (v.ts, v.value) for v in judged if (v.event_id, v.reason) == (touch.event_id, reason)
        ]
        found[reason] = bool(output) and max(output)[1] >= 0.95
    return found


def naive(
    one: Candidate, every: list[Candidate], install: Installed, judged: list[SiteVerdict]
) -> set[str]:
    """The rules, read one after the other, each over everything."""
    touch = one.touch
    begin, clicked, opened = install.begin_time, install.referrer_click_time, install.time
    is_known = touch.time > 0
    begin_clock, click_clock = (
        bool(install.flags & flag) for flag in (Flag.DEVICE_CLOCK, Flag.DEVICE_CLICK_TIME)
    )
    doubt = max(0, install.ts - LogMs(opened))
    is_named = one.signal in (Signal.REFERRER, Signal.CLICK_ID, Signal.ADSERVICES)
    both = touch.flags | install.flags
    claims = sorted(
        (other.touch.ts, other.touch.event_id, other.touch.media_source)
        for other in every
        if other.touch.kind == TouchKind.CLICK and other.touch.touch_id == touch.touch_id
    )
    is_click = touch.kind == TouchKind.CLICK
    is_rival_claim = is_click and len({claim[2] for claim in claims}) > 1
    found = {
        "engagement_injection": is_known
        and begin > 0
        and begin + 5_000 + begin_clock * doubt < touch.time
        and (is_named or touch.time <= opened),
        "ctit_anomalies": is_known
        and 0 <= opened - touch.time < 10_000
        and install.time_correction == touch.time_correction == "",
        "impossible_order": begin > opened
        or (begin > 0 and clicked > begin and begin_clock == click_clock),
        "referrer_time_mismatch": one.signal == Signal.REFERRER
        and clicked > 0
        and abs(clicked - touch.time) > HOUR_MS + click_clock * doubt,
        "malformed_advertising_id": bool(both & Flag.MALFORMED_ID),
        "incorrect_signature": bool(
            both & Flag.SIGNATURE_INVALID or touch.flags & Flag.SIGNATURE_MISSING
        ),
        "stale_signature": bool(touch.flags & Flag.SIGNATURE_STALE),
        "too_many_engagements": is_click and _crowd(touch, every) > 2,
        "duplicate_click_id": is_rival_claim and claims[0][1] != touch.event_id,
    }
    found |= _condemned(touch, judged)
    return {reason for reason, is_found in found.items() if is_found}


@settings(deadline=None)
@given(candidates(), installs, verdicts, st.randoms(use_true_random=False))
def test_hits_are_those_of_a_naive_reading_in_any_order_of_arrival(
    every: list[Candidate], install: Installed, judged: list[SiteVerdict], chance: random.Random
) -> None:
    shuffled, reported = every[:], judged[:]
    chance.shuffle(shuffled)
    chance.shuffle(reported)
    for one in every:
        found = hits(one, every, install, judged, RULES)
        assert {hit.reason for hit in found} == naive(one, every, install, judged)
        assert found == hits(one, shuffled, install, reported, RULES)


@given(candidates(), installs, verdicts, st.lists(st.sampled_from(REASONS), unique=True))
def test_a_reason_that_is_off_is_never_told_and_changes_no_other(
    every: list[Candidate], install: Installed, judged: list[SiteVerdict], off: list[str]
) -> None:
    modes: dict[str, Mode] = dict.fromkeys(off, "off")
    lenient = FraudRules(engagements_max=2, **modes)  # type: ignore[arg-type]  # all are modes
    for one in every:
        kept = [hit for hit in hits(one, every, install, judged, RULES) if hit.reason not in off]
        assert list(hits(one, every, install, judged, lenient)) == kept


@given(candidates(), installs, st.integers(-DAY_MS, 2 * DAY_MS))
def test_hits_depend_on_differences_of_time_alone(
    every: list[Candidate], install: Installed, by: int
) -> None:
    """The same records a day later: nothing in a rule knows what time it is."""

    assume(all(one.touch.time for one in every))  # 0 is no time

    def later(time: int) -> int:
        return time + by if time else 0

    moved = [
        replace(
            one,
            touch=replace(one.touch, time=later(one.touch.time), ts=one.touch.ts + by),
        )
        for one in every
    ]
    moved_install = replace(
        install,
        time=install.time + by,
        ts=install.ts + by,
        begin_time=later(install.begin_time),
        referrer_click_time=later(install.referrer_click_time),
    )
    for one, other in zip(every, moved, strict=True):
        assert hits(one, every, install, (), RULES) == hits(other, moved, moved_install, (), RULES)
