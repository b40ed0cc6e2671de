"""A user who had the app before: reinstalled, won back, or new again after long enough."""

from __future__ import annotations

from itertools import permutations

import pytest
from msgspec.structs import replace

from attribution.decision.waterfall import prior_of
from attribution.matching.touch_index import TouchIndex, index_install
from attribution.rules.rules import Policy, Rules, Scope, Windows
from schemas.records import Candidates, Installed, JourneyRecord, Prior, Signal, Touch
from schemas.time import DAY_MS, Millis
from tests.worlds.clock import DAY, HOUR, WEEK, at
from tests.worlds.journey_world import conversions, decisions, tell
from tests.worlds.records import (
    RULES,
    answer,
    before,
    by,
    click,
    installed,
    late,
    looked_up,
    to_win_back,
)
from tests.worlds.stage_world import Row, fed_journeys, rows

MS = 1 / 60_000
QUARTER = 90 * DAY
RECENT = before(-30 * DAY)


def answered(*touches: Touch, priors: tuple[Prior, ...] = (RECENT,)) -> Candidates:
    return Candidates("i1", Signal.DEVICE_ID, 0, list(touches), list(priors), app_id="app")


def late_prior(prior: Prior) -> Candidates:
    return Candidates("i1", Signal.DEVICE_ID, -1, [], [prior], app_id="app")


def row(*records: JourneyRecord, rules: Rules = RULES) -> Row:
    """The last row that is told of the install."""
    stage = fed_journeys(rules)
    return rows(stage.journeys(*records), "attributions")[-1]


# --- three kinds of installs ----------------------------------------------------------------------


def test_nobody_knew_the_device_so_it_is_an_install() -> None:
    facts = tell(installed(), answered(click("c", -5), priors=()))[1]
    assert conversions(facts) == [("install", "", "c")]


def test_a_known_user_without_retargeting_has_reinstalled_and_is_nobodys() -> None:
    facts = tell(installed(), answered(click("c", -5)))[1]
    assert conversions(facts) == [("reinstall", "i0", "organic")]


def test_a_known_user_who_came_back_through_retargeting_is_reattributed() -> None:
    facts = tell(installed(), answered(to_win_back(click("back", -5)), click("c", -1)))[1]
    assert conversions(facts) == [("reattribution", "i0", "back")]


def test_what_came_before_the_user_had_the_app_did_not_win_them_back() -> None:
    prior = before(-2 * DAY)
    for minutes, kind in ((-2 * DAY, "reinstall"), (-2 * DAY + MS, "reattribution")):
        facts = tell(installed(), answered(to_win_back(click("c", minutes)), priors=(prior,)))[1]
        assert [one[0] for one in conversions(facts)] == [kind]


def test_retargeting_whose_time_apple_keeps_to_itself_may_win_a_user_back() -> None:
    no_time = replace(to_win_back(click("apple", -5)), time=0)
    install = replace(installed(), adservices=no_time)
    assert conversions(tell(install, answered())[1]) == [("reattribution", "i0", "apple")]


# --- the re-attribution window --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("minutes", "kind"),
    [(-QUARTER, "reinstall"), (-QUARTER - MS, "install"), (-MS, "reinstall")],
)
def test_the_window_ends_to_the_millisecond(minutes: float, kind: str) -> None:
    facts = tell(installed(), answered(click("c", -5), priors=(before(minutes),)))[1]
    assert [one[0] for one in conversions(facts)] == [kind]


def test_the_window_is_that_of_the_app_at_the_time_of_the_install() -> None:
    rules = Rules(
        scopes=(Scope(app_id="app", since=at(0), windows=(("reattribution", 10 * DAY_MS),)),)
    )
    prior = before(-20 * DAY)
    assert prior_of(installed(), [prior], rules) is None
    assert prior_of(installed(-MS), [prior], rules) == prior


def test_of_several_earlier_installs_the_latest_counts_and_ties_break_by_id() -> None:
    known = [before(-9, install_id="a"), before(-5, install_id="b"), before(-5, install_id="c")]
    for order in permutations(known):
        found = prior_of(installed(), order, RULES)
        assert found
        assert found.install_id == "c"


def test_at_the_same_time_the_lower_id_came_first() -> None:
    twin = before(0, install_id="i0"), before(0, install_id="i2")
    assert prior_of(installed(), twin, RULES) == twin[0]


def test_who_came_after_is_no_earlier_install() -> None:
    assert prior_of(installed(), [before(MS)], RULES) is None


def test_an_earlier_install_that_is_logged_too_late_changes_nothing_any_more() -> None:
    in_time, too_late = before(-DAY, ts=WEEK), before(-DAY, ts=WEEK + MS)
    assert prior_of(installed(), [in_time], RULES) == in_time
    assert prior_of(installed(), [too_late], RULES) is None


# --- what becomes known later ---------------------------------------------------------------------


def test_an_earlier_install_that_comes_late_makes_a_version_that_says_so() -> None:
    facts = tell(installed(), answer(click("c", -5)), late_prior(before(-DAY, ts=30)))[1]
    assert decisions(facts) == [
        (1, "first_decision", "c"),
        (2, "late_install", "organic"),
    ]
    assert conversions(facts)[1] == ("reinstall", "i0", "organic")


def test_a_late_retargeting_touchpoint_wins_a_reinstalled_user_back() -> None:
    back = to_win_back(click("back", -5, ts=30))
    facts = tell(installed(), answered(), late(back))[1]
    assert [one[0] for one in conversions(facts)] == ["reinstall", "reattribution"]


def test_a_still_later_one_of_several_earlier_installs_is_told_as_the_prior() -> None:
    facts = tell(installed(), answered(), late_prior(before(-DAY, install_id="newer")))[1]
    assert [one[1] for one in conversions(facts)] == ["i0", "newer"]


def test_what_changes_nothing_makes_no_version() -> None:
    decided, _ = tell(installed(), answered())
    older = late_prior(before(-40 * DAY, install_id="older"))
    too_late = late_prior(before(-DAY, ts=WEEK + 1, install_id="too late"))
    assert tell(older, too_late, late(click("c", -5)), start=decided)[1] == []


def test_the_decision_is_the_same_in_any_order() -> None:
    records: list[JourneyRecord] = [
        installed(lookups=2),
        answered(to_win_back(click("back", -5)), click("c", -2)),
        Candidates("i1", Signal.CLICK_ID, 1, [click("c", -2)], app_id="app"),
        late_prior(before(-3 * DAY, install_id="other")),
    ]
    last = {conversions(tell(*order)[1])[-1] for order in permutations(records)}
    assert last == {("reattribution", "other", "back")}


def test_the_index_tells_each_install_of_those_before_it_in_whatever_order_they_come() -> None:
    first, second = installed(-30 * DAY, install_id="i0"), installed(install_id="i1")
    for order in ((first, second), (second, first)):
        assert _priors(order) == [("i1", "i0")]


def _priors(order: tuple[Installed, ...]) -> list[tuple[str, str]]:
    index, reported = TouchIndex(), []
    for install in order:
        index, facts = index_install(index, looked_up(install), RULES)
        answers = [one for one in facts if isinstance(one, Candidates)]
        reported += [(one.install_id, prior.install_id) for one in answers for prior in one.priors]
    return reported


def test_only_a_device_id_tells_that_it_is_the_same_user() -> None:
    """A click id or a network may be shared by many."""
    for signal in (Signal.REFERRER, Signal.CLICK_ID, Signal.PROBABILISTIC):
        index, _ = index_install(
            None, looked_up(installed(-DAY, install_id="i0"), signal=signal), RULES
        )
        _, facts = index_install(index, looked_up(installed(), signal=signal), RULES)
        assert [one.priors for one in facts if isinstance(one, Candidates)] == [[]]


# --- on the row -----------------------------------------------------------------------------------


def test_the_row_names_the_install_it_follows_and_the_window_in_force() -> None:
    found = row(installed(), answered(click("c", -5)))
    assert (found["conversion_type"], found["status"]) == ("reinstall", "organic")
    assert (found["prior_install_id"], found["media_source"]) == ("i0", "organic")
    assert found["reattribution_window_s"] == 90 * 86_400
    assert "not_retargeting" in found["candidates"]


def test_the_row_tells_the_windows_that_were_in_force_for_this_user_and_this_touchpoint() -> None:
    rules = Rules(default=Policy(windows=Windows(retargeting_click=3 * DAY_MS, click=5 * DAY_MS)))
    own = click("own", -5, lookback_ms=2 * DAY_MS)
    reported = {
        "new user": row(installed(), answer(click("c", -5)), rules=rules),
        "own window": row(installed(), answer(own), rules=rules),
        "reinstalled": row(installed(), answered(click("c", -5)), rules=rules),
        "won back": row(installed(), answered(to_win_back(click("c", -5))), rules=rules),
    }
    days = {name: one["click_window_s"] / 86_400 for name, one in reported.items()}
    assert days == {"new user": 5, "own window": 2, "reinstalled": 3, "won back": 3}
    assert {one["view_window_s"] for one in reported.values()} == {86_400}


def test_a_reattribution_is_for_good_unless_the_source_has_it_for_a_while_alone() -> None:
    temporary = Rules(scopes=(Scope(media_source="north", windows=(("temporary", DAY_MS),)),))
    back = to_win_back(click("back", -5))
    known = row(installed(), answered(back), rules=temporary)
    assert (known["status"], known["expires_at"]) == ("reattributed", at(DAY))
    assert row(installed(), answered(back))["expires_at"] == 0
    elsewhere = row(installed(), answered(by(back, "south")), rules=temporary)
    assert elsewhere["expires_at"] == 0


def test_the_credit_for_a_new_user_and_a_reinstall_never_expire() -> None:
    temporary = Rules(default=Policy(windows=Windows(temporary=DAY_MS)))
    new_user = row(installed(), answer(click("c", -5)), rules=temporary)
    assert (new_user["status"], new_user["expires_at"]) == ("non_organic", 0)
    again = row(installed(), answered(click("c", -5)), rules=temporary)
    assert (again["status"], again["expires_at"]) == ("organic", 0)


def test_a_long_wait_makes_a_new_user_of_an_old_one() -> None:
    short = Rules(default=Policy(windows=Windows(reattribution=Millis(HOUR * 60_000))))
    found = row(installed(), answered(click("c", -5), priors=(before(-2 * HOUR),)), rules=short)
    assert (found["conversion_type"], found["prior_install_id"]) == ("install", "")
