"""Which rules hold for an app, a media source, a campaign and a moment."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from attribution.decision.fraud import FraudRules
from attribution.probabilistic.pair_model import DEFAULT_MODEL
from attribution.rules import rules as module
from attribution.rules.rule_file import read_rules
from attribution.rules.rules import Policy, Probabilistic, Rules, Scope, Windows, rule_set_id
from schemas.time import DAY_MS, HOUR_MS, EventMs, Millis
from tests.attribution.rules.rule_world import CALLED, MARCH, MOMENTS, VALUES, found, rulebooks
from tests.oracle.rulebook import Rulebook, Value
from tests.worlds.records import click, view

FOR_APP = Scope(app_id="app", windows=(("click", DAY_MS), ("view", HOUR_MS)))
FOR_SOURCE = Scope(media_source="north", windows=(("click", 2 * DAY_MS),))
FOR_CAMPAIGN = Scope(campaign_id="c1", windows=(("click", 3 * DAY_MS),))
FOR_BOTH = Scope(app_id="app", media_source="north", windows=(("inactivity", DAY_MS),))


def rules_of(book: Rulebook) -> Rules:
    return read_rules(book.text(), Rules())


def value_in(policy: Policy, name: str) -> Value:
    section, _, key = name.partition(".")
    value: Value = getattr(getattr(policy, section), key)
    return value


# --- resolution -----------------------------------------------------------------------------------


def test_defaults_are_the_common_ones() -> None:
    windows = Windows()
    assert (windows.click, windows.view) == (7 * DAY_MS, DAY_MS)
    assert (windows.probabilistic_click, windows.probabilistic_view) == (6 * HOUR_MS, 6 * HOUR_MS)
    assert (windows.retargeting_click, windows.retargeting_view) == (7 * DAY_MS, DAY_MS)
    assert (windows.reattribution, windows.inactivity) == (90 * DAY_MS, 7 * DAY_MS)
    assert (windows.reengagement, windows.temporary) == (30 * DAY_MS, 0)
    assert windows.post_install_fraud == 8 * DAY_MS
    assert Probabilistic() == Probabilistic(click=False, view=False, confidence=0.9)


def test_the_campaign_wins_over_the_media_source_and_that_over_the_app() -> None:
    rules = Rules(scopes=(FOR_APP, FOR_SOURCE, FOR_CAMPAIGN))
    asked = [
        ("app", "north", "c1"),
        ("app", "north", "c2"),
        ("app", "south", "c2"),
        ("x", "y", "z"),
    ]
    found_days = [rules.policy(*names, EventMs(MARCH)).windows.click // DAY_MS for names in asked]
    assert found_days == [3, 2, 1, 7]


def test_what_the_most_specific_scope_does_not_say_the_next_one_does() -> None:
    policy = Rules(scopes=(FOR_APP, FOR_SOURCE, FOR_BOTH)).policy(
        "app", "north", "c9", EventMs(MARCH)
    )
    assert policy.windows.inactivity == DAY_MS  # said by app and media source together
    assert policy.windows.click == 2 * DAY_MS  # by the media source
    assert policy.windows.view == HOUR_MS  # by the app
    assert policy.windows.reattribution == 90 * DAY_MS  # by nobody


def test_a_scope_for_media_sources_says_nothing_where_there_is_none() -> None:
    assert Rules(scopes=(FOR_SOURCE,)).app_policy("app", EventMs(MARCH)) == Policy()


@settings(max_examples=200, deadline=None)
@given(rulebooks(VALUES, {"windows.probabilistic_click": HOUR_MS}))
def test_every_value_is_that_of_the_most_specific_scope_that_says_it(book: Rulebook) -> None:
    rules = rules_of(book)
    for time in MOMENTS:
        for names in CALLED:
            policy = rules.policy(*names, EventMs(time))
            for name in VALUES:
                assert value_in(policy, name) == found(book, name, names, time), (name, names)


def test_names_that_producers_make_up_do_not_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "POLICIES_KEPT", 3)
    rules = Rules(scopes=(FOR_SOURCE,))
    for number in range(10):
        assert (
            rules.policy("app", "north", f"c{number}", EventMs(MARCH)).windows.click == 2 * DAY_MS
        )
    assert len(rules._policies) <= 3


# --- windows --------------------------------------------------------------------------------------


def test_each_kind_of_match_has_a_window_of_its_own() -> None:
    windows = Windows(
        click=Millis(1), view=Millis(2), probabilistic_click=Millis(3),
        probabilistic_view=Millis(4), retargeting_click=Millis(5), retargeting_view=Millis(6),
    )  # fmt: skip
    policy = Policy(windows=windows)
    found_ms = [
        policy.window_ms(touch, is_probabilistic=is_probabilistic, is_known_user=is_known_user)
        for is_probabilistic, is_known_user in ((False, False), (True, False), (False, True))
        for touch in (click("c", 0), view("v", 0))
    ]
    assert found_ms == [1, 2, 3, 4, 5, 6]


def test_a_guess_is_one_also_for_a_user_the_app_knows() -> None:
    policy = Policy(windows=Windows(probabilistic_click=Millis(3), retargeting_click=Millis(5)))
    assert policy.window_ms(click("c", 0), is_probabilistic=True, is_known_user=True) == 3


# --- what the stages ask --------------------------------------------------------------------------


def test_matching_without_ids_costs_nothing_unless_somebody_somewhere_wants_it() -> None:
    assert not Rules().allows_probabilistic
    assert Rules(default=Policy(probabilistic=Probabilistic(view=True))).allows_probabilistic
    somewhere = Scope(campaign_id="c1", probabilistic=(("click", True),))
    assert Rules(scopes=(FOR_APP, somewhere)).allows_probabilistic


def test_sites_change_decisions_only_where_a_mode_says_so() -> None:
    assert not Rules().heeds_sites
    assert Rules(default=Policy(fraud=FraudRules(click_flood="suspicious"))).heeds_sites
    somewhere = Scope(media_source="north", fraud=(("distribution_outlier", "reject"),))
    assert Rules(scopes=(somewhere,)).heeds_sites


# --- names ----------------------------------------------------------------------------------------


def test_every_rule_there_is_has_a_part_in_the_name() -> None:
    """A rule that is added and left out of the name would make two rule sets look like one."""
    others = [
        Rules(default=Policy(windows=Windows(temporary=Millis(1)))),
        Rules(default=Policy(probabilistic=Probabilistic(confidence=0.8))),
        Rules(default=Policy(fraud=FraudRules(short_ctit_ms=Millis(1)))),
        Rules(scopes=(FOR_APP,)),
        Rules(scopes=(FOR_SOURCE,)),
        Rules(scopes=(Scope(app_id="app", since=EventMs(1), windows=FOR_APP.windows),)),
        Rules(pair_model=replace(DEFAULT_MODEL, null=9.0)),
        Rules(late_ms_max=Millis(1)),
        Rules(decision_wait_ms=Millis(1)),
        Rules(touches_per_key_max=1),
    ]
    names = {rule_set_id(one) for one in [Rules(), *others]}
    assert len(names) == len(others) + 1


@settings(max_examples=200, deadline=None)
@given(
    st.lists(rulebooks(VALUES, {"windows.probabilistic_click": HOUR_MS}), min_size=2, max_size=2)
)
def test_names_differ_exactly_when_the_rules_do(books: list[Rulebook]) -> None:
    one, other = (rules_of(book) for book in books)
    assert (rule_set_id(one) == rule_set_id(other)) == (one == other)


@settings(max_examples=100, deadline=None)
@given(rulebooks(VALUES, {"windows.probabilistic_click": HOUR_MS}))
def test_the_order_in_which_a_file_is_written_makes_no_other_rules(book: Rulebook) -> None:
    backwards = [
        one._replace(values=dict(reversed(one.values.items()))) for one in reversed(book.scopes)
    ]
    assert rule_set_id(rules_of(Rulebook(book.values, tuple(backwards)))) == rule_set_id(
        rules_of(book)
    )
