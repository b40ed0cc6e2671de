"""A worker starts with other rules than its state was decided under: everybody is asked again."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attribution.decision.fraud import FraudRules
from attribution.rules.rules import Policy, Rules, Windows, rule_set_id
from schemas.records import Candidates, Erased, JourneyRecord, Signal, Touch
from schemas.time import DAY_MS, HOUR_MS, Millis
from streams.runtime.state import MemoryStore
from streams.stages.common.observer import StageObserver
from streams.stages.contract import Effects
from streams.stages.journeys import rule_change
from streams.stages.journeys.active_models import Scorers, ScoringRules
from streams.stages.journeys.journeys import Journeys
from streams.stages.journeys.rule_change import RuleChange
from tests.worlds.clock import DAY, HOUR, at, logged_at
from tests.worlds.records import before, by, click, installed, late, session, to_win_back, view
from tests.worlds.stage_world import Fed, Row, fed_journeys, rows

BEFORE = Rules()
SHORT = Rules(default=Policy(windows=Windows(click=DAY_MS, probabilistic_click=HOUR_MS)))
SOON = {"matching-0": logged_at(10 * DAY)}


def stage(rules: Rules, state: MemoryStore | None = None) -> Fed:
    return fed_journeys(rules, state)


def reported(effects: Effects) -> list[Row]:
    return rows(effects, "attributions")


def installs(*touches: Touch, name: str = "i1") -> list[JourneyRecord]:
    found = Candidates(name, Signal.DEVICE_ID, 0, list(touches), app_id="app")
    return [installed(install_id=name), found]


def reasons(effects: Effects) -> list[tuple[str, str]]:
    return [(row["attribution_id"], row["reason"]) for row in reported(effects)]


# --- who is decided again -------------------------------------------------------------------------


def test_a_decision_that_changes_is_told_as_its_next_version_with_the_new_rules() -> None:
    was = stage(BEFORE)
    was.journeys(*installs(click("old", -2 * DAY)), watermarks=SOON)
    (row,) = reported(stage(SHORT, was.state).journeys())
    assert (row["attribution_id"], row["supersedes"], row["reason"]) == ("i1:2", 1, "rule_change")
    assert (row["status"], row["rule_set"]) == ("organic", rule_set_id(SHORT))
    assert row["decided_at"] == at(10 * DAY)
    assert row["click_window_s"] == 86_400
    assert "outside_click_window" in row["candidates"]


def test_a_decision_that_stays_the_same_is_not_told_again() -> None:
    was = stage(BEFORE)
    was.journeys(*installs(click("recent", -HOUR)))
    assert reported(stage(SHORT, was.state).journeys()) == []


def test_a_worker_that_starts_with_the_same_rules_asks_nobody() -> None:
    was = stage(BEFORE)
    was.journeys(*installs(click("old", -2 * DAY)))
    again = stage(BEFORE, was.state)
    assert reported(again.journeys()) == []
    assert reported(stage(Rules(), again.state).journeys()) == []


def test_everybody_is_asked_once() -> None:
    was = stage(BEFORE)
    was.journeys(*installs(click("old", -2 * DAY)))
    now = stage(SHORT, was.state)
    assert len(reported(now.journeys())) == 1
    assert reported(now.journeys()) == []
    assert reported(stage(SHORT, now.state).journeys()) == []


def test_rules_that_come_back_bring_the_decision_back_as_a_new_version() -> None:
    first = stage(BEFORE)
    first.journeys(*installs(click("old", -2 * DAY)))
    second = stage(SHORT, first.state)
    second.journeys()
    (row,) = reported(stage(BEFORE, second.state).journeys())
    assert (row["attribution_id"], row["touch_id"]) == ("i1:3", "touch of old")


def test_who_is_not_decided_yet_is_decided_under_the_new_rules_without_a_word_of_the_old() -> None:
    was = stage(BEFORE)
    was.journeys(installed())
    now = stage(SHORT, was.state)
    assert reported(now.journeys()) == []
    late = Candidates("i1", Signal.DEVICE_ID, 0, [click("old", -2 * DAY)], app_id="app")
    (row,) = reported(now.journeys(late))
    assert (row["attribution_id"], row["reason"], row["status"]) == (
        "i1:1", "first_decision", "organic",
    )  # fmt: skip


def test_a_wait_that_the_new_rules_make_longer_is_as_long() -> None:
    was = stage(BEFORE)
    was.journeys(installed())
    patient = Rules(decision_wait_ms=2 * HOUR_MS)
    now = stage(patient, was.state)
    assert reported(now.journeys(watermarks={"matching-0": logged_at(HOUR) + 1})) == []
    (row,) = reported(now.journeys(watermarks={"matching-0": logged_at(2 * HOUR) + 1}))
    assert (row["reason"], row["decided_at"]) == ("deadline", at(2 * HOUR))


def test_returns_are_decided_again_too() -> None:
    was = stage(BEFORE)
    back = to_win_back(click("back", 10 * DAY))
    was.journeys(*installs(), late(back), session("s", 10 * DAY + 5))
    longer = Rules(default=Policy(windows=Windows(inactivity=11 * DAY_MS)))
    (row,) = reported(stage(longer, was.state).journeys())
    assert (row["attribution_id"], row["status"], row["reason"]) == (
        "i1~back:2", "withdrawn", "rule_change",
    )  # fmt: skip
    shorter = Rules(default=Policy(windows=Windows(reengagement=DAY_MS)))
    (row,) = reported(stage(shorter, was.state).journeys())
    assert row["expires_at"] == at(10 * DAY + 5) + DAY_MS


def test_a_reattribution_that_is_to_expire_now_is_told_so() -> None:
    """Its revenue goes elsewhere from then on, so it is another decision."""
    was = stage(BEFORE)
    back = Candidates(
        "i1",
        Signal.DEVICE_ID,
        0,
        [to_win_back(click("back", -5))],
        [before(-30 * DAY)],
        app_id="app",
    )
    was.journeys(installed(), back)
    temporary = Rules(default=Policy(windows=Windows(temporary=DAY_MS)))
    (row,) = reported(stage(temporary, was.state).journeys())
    assert (row["status"], row["reason"], row["expires_at"]) == (
        "reattributed", "rule_change", at(DAY),
    )  # fmt: skip


def test_somebody_who_was_forgotten_is_left_alone() -> None:
    was = stage(BEFORE)
    gone = {"matching-0": logged_at(8 * DAY)}
    was.journeys(
        *installs(click("old", -2 * DAY)),
        Erased("i1", "r", logged_at(1), app_id="app"),
        watermarks=gone,
    )
    assert reported(stage(SHORT, was.state).journeys()) == []


# --- some at a time -------------------------------------------------------------------------------

MANY = [f"i{number}" for number in range(10)]


def crowd() -> MemoryStore:
    """Ten installs whose clicks are too old under the new rules."""
    was = stage(BEFORE)
    for name in MANY:
        was.journeys(*installs(click(f"c {name}", -2 * DAY), name=name))
    return was.state


def test_so_many_at_a_time_as_one_checkpoint_may_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule_change, "RECONSIDERED_AT_ONCE", 4)
    now = stage(SHORT, crowd())
    asked = [[row["install_id"] for row in reported(now.journeys())] for _ in range(4)]
    assert asked == [MANY[:4], MANY[4:8], MANY[8:], []]


class Watching(StageObserver):
    def __init__(self) -> None:
        self.pending: list[int] = []

    def on_rule_change(self, partition: int, pending: int) -> None:
        self.pending.append(pending)


def test_how_many_are_still_to_be_asked_can_be_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule_change, "RECONSIDERED_AT_ONCE", 4)
    watching = Watching()
    scorers = Scorers(lambda _: None, watching, ScoringRules())
    now = Fed(Journeys(0, 1, SHORT, scorers, watching), crowd())
    for _ in range(4):
        now.journeys()
    assert watching.pending == [6, 2, 0, 0]


def test_a_restart_goes_on_where_the_last_checkpoint_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rule_change, "RECONSIDERED_AT_ONCE", 4)
    state = crowd()
    asked = [
        [row["install_id"] for row in reported(stage(SHORT, state).journeys())] for _ in range(4)
    ]
    assert asked == [MANY[:4], MANY[4:8], MANY[8:], []]


def test_other_rules_half_way_begin_from_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule_change, "RECONSIDERED_AT_ONCE", 4)
    state = crowd()
    stage(SHORT, state).journeys()
    back = stage(BEFORE, state)
    asked = [row for _ in range(3) for row in reported(back.journeys())]
    assert [row["attribution_id"] for row in asked] == [f"{name}:3" for name in MANY[:4]]


def test_who_comes_half_way_is_decided_under_the_new_rules_and_never_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rule_change, "RECONSIDERED_AT_ONCE", 4)
    state = crowd()
    now = stage(SHORT, state)
    now.journeys(*installs(click("new", -2 * DAY), name="i55"))
    asked = [one for _ in range(4) for one in reasons(stage(SHORT, state).journeys())]
    assert {reason for _, reason in asked} == {"rule_change"}
    assert "i55" not in {name.partition(":")[0] for name, _ in asked}


def test_keys_may_have_blanks() -> None:
    """How far it has come is stored behind a blank."""
    change = RuleChange("b")
    change.restore(b"a", [b"one 1", b"one 2", b"two"])
    stored = [b"b", b"b one 1", b"b one 2"]
    for value in stored[1:]:
        other = RuleChange("b")
        other.restore(value, [b"one 1", b"one 2", b"two"])
        assert b"two" in other.take()
    assert change.take() == [b"one 1", b"one 2", b"two"]
    assert change.encode() == b"b"


# --- the same as from the start -------------------------------------------------------------------

TOUCHES = [
    click("a", -5), click("b", -2 * DAY), view("v", -30), click("c", -8 * DAY),
    by(click("s", -3 * HOUR), "south"), to_win_back(click("r", -HOUR)),
]  # fmt: skip
SETS = [
    BEFORE,
    SHORT,
    Rules(default=Policy(windows=Windows(view=HOUR_MS, probabilistic_view=HOUR_MS))),
    Rules(default=Policy(windows=Windows(reattribution=DAY_MS))),
    Rules(default=Policy(windows=Windows(temporary=DAY_MS))),
    Rules(
        default=Policy(fraud=FraudRules(short_ctit_ms=Millis(6 * 60_000), ctit_anomalies="reject"))
    ),
]
UNCOMPARED = ("attribution_id", "version", "supersedes", "reason", "decided_at")
WINDOWS: tuple[str, ...] = (
    "rule_set",
    "click_window_s",
    "view_window_s",
    "reattribution_window_s",
    "inactivity_s",
)
WINDOWS += ("probabilistic_click_window_s", "probabilistic_view_window_s", "candidates")


@st.composite
def lives(draw: st.DrawFn) -> list[JourneyRecord]:
    found: list[JourneyRecord] = []
    for name in MANY[:3]:
        touches = draw(st.lists(st.sampled_from(TOUCHES), max_size=4, unique_by=id))
        priors = draw(st.sampled_from([[], [before(-2 * DAY)], [before(-30 * DAY)]]))
        asked = Candidates(name, Signal.DEVICE_ID, 0, touches, priors, app_id="app")
        found += [installed(install_id=name), asked]
    return found


def current(sayings: Sequence[Effects]) -> dict[str, Row]:
    """The newest version of each conversion, without its history."""
    newest: dict[str, Row] = {}
    for effects in sayings:
        for row in reported(effects):
            last = newest.get(row["conversion_id"])
            assert row["version"] == (last["version"] if last else 0) + 1
            newest[row["conversion_id"]] = row
    skipped = (*UNCOMPARED, *WINDOWS, "contributors")
    return {
        name: {key: value for key, value in row.items() if key not in skipped}
        for name, row in newest.items()
    }


@settings(max_examples=150, deadline=None)
@given(lives(), st.sampled_from(SETS), st.sampled_from(SETS))
def test_what_stands_after_a_change_is_what_the_new_rules_would_have_decided_alone(
    records: list[JourneyRecord], old: Rules, new: Rules
) -> None:
    was = stage(old)
    sayings = [was.journeys(*records)]
    sayings.append(stage(new, was.state).journeys())
    assert current(sayings) == current([stage(new).journeys(*records)])
    named = (*UNCOMPARED, *WINDOWS, "contributors")
    alone = {row["install_id"]: row for row in reported(stage(new).journeys(*records))}
    again = {row["install_id"] for row in reported(sayings[1])}
    for row in reported(sayings[0]):
        other = alone[row["install_id"]]
        is_same = all(row[name] == other[name] for name in row if name not in named)
        assert (row["install_id"] in again) is not is_same
