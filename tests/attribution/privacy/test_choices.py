"""Each cell of the row `opt_out`, and when a choice counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from attribution.decision.candidates import Candidate, without_copies
from attribution.journey import Journey
from attribution.journey.requests import make_choice
from attribution.privacy import choices
from attribution.privacy.choices import PrivacyChoice
from attribution.rules.consent import USE_NAMES, ConsentRules, Use
from attribution.rules.rule_file import read_rules
from attribution.rules.rules import Rules
from schemas.records import ChoiceMade, Prior, Signal
from schemas.time import LogMs
from tests.worlds.clock import logged_at
from tests.worlds.records import click, installed

INSTALL = installed(0)
OUT = [PrivacyChoice(logged_at(-60), "out", True)]
WAYS = {
    "advertising_id": (Signal.DEVICE_ID, Use.ADVERTISING_ID),
    "vendor_id": (Signal.DEVICE_ID, Use.VENDOR_ID),
    "probabilistic": (Signal.PROBABILISTIC, 0),
}
DEFAULT = {"advertising_id", "probabilistic", "prediction"}


def refused(use: str, known: list[PrivacyChoice], rules: Rules, minutes: float = -5) -> bool:
    if use == "prediction":
        return choices.is_prediction_refused(known, INSTALL, logged_at(minutes), rules)
    signal, device_ids = WAYS[use]
    one = Candidate(signal, click("c", minutes), int(device_ids))
    return choices.is_candidate_refused(known, one, INSTALL, rules)


@pytest.mark.parametrize("use", USE_NAMES)
def test_each_cell_of_the_row(use: str) -> None:
    assert refused(use, OUT, Rules()) is (use in DEFAULT)
    assert refused(use, OUT, read_rules(f'[consent]\nopt_out = ["{use}"]', Rules()))
    others = [one for one in USE_NAMES if one != use]
    assert not refused(use, OUT, read_rules(f"[consent]\nopt_out = {others}", Rules()))
    assert ConsentRules().opt_out == tuple(one for one in USE_NAMES if one in DEFAULT)


@pytest.mark.parametrize("signal", [Signal.REFERRER, Signal.CLICK_ID, Signal.ADSERVICES])
def test_what_the_store_and_click_ids_say_stays(signal: Signal) -> None:
    everything = read_rules(f"[consent]\nopt_out = {list(USE_NAMES)}", Rules())
    one = Candidate(signal, click("c", -5))
    assert not choices.is_candidate_refused(OUT, one, INSTALL, everything)


def test_a_touchpoint_that_a_permitted_id_joins_too_stays() -> None:
    touch = click("c", -5)
    ways = [Candidate(Signal.DEVICE_ID, touch, use) for use in (Use.ADVERTISING_ID, Use.VENDOR_ID)]
    for order in (ways, ways[::-1]):
        (one,) = without_copies(order)
        assert one.device_ids == Use.ADVERTISING_ID | Use.VENDOR_ID
        assert not choices.is_candidate_refused(OUT, one, INSTALL, Rules())


def test_earlier_states_say_not_which_id_joined_and_count_as_advertising_ids() -> None:
    one = Candidate(Signal.DEVICE_ID, click("c", -5))
    assert choices.is_candidate_refused(OUT, one, INSTALL, Rules())
    prior = Prior("earlier", INSTALL.time, logged_at(-90))
    assert not choices.permitted_priors([prior], OUT, INSTALL, Rules())
    vendor = replace(prior, device_ids=int(Use.VENDOR_ID))
    assert choices.permitted_priors([vendor], OUT, INSTALL, Rules()) == [vendor]


CHOICES = st.lists(
    st.builds(PrivacyChoice, st.integers(1, 9).map(LogMs), st.sampled_from("abcd"), st.booleans()),
    max_size=6,
)


@given(CHOICES, st.integers(0, 10))
def test_the_latest_request_before_counts_in_any_order(made: list[PrivacyChoice], ts: int) -> None:
    known: list[PrivacyChoice] = []
    for one in made:
        known, evicted = choices.note_choice(known, one, Rules())
        assert not evicted
    first = {name: min(one for one in made if one.request_id == name) for name in
             {one.request_id for one in made}}  # fmt: skip
    if len({(one.request_id, one.ts) for one in made}) == len(
        {(one.request_id, one.ts, one.is_refused) for one in made}
    ):
        assert known == sorted(first.values())
    before = [one for one in known if one.ts < ts]
    assert choices.is_refused_at(known, LogMs(ts)) is bool(before and max(before).is_refused)


def test_a_journey_that_was_purged_still_tells_its_later_lives_of_an_opt_out() -> None:
    """Who was forgotten, and then opts out by the id of the install, may open the app once more."""
    rules, made = Rules(), ChoiceMade("i1", "out", logged_at(60), True, "app")
    forgotten = Journey(install=INSTALL, erased_ts=logged_at(1), is_purged=True)
    journey, facts = make_choice(forgotten, made, rules)
    assert facts == []
    assert choices.choices_from(journey.choices, "i1", ("app", False)) == [made]
