"""Journeys holds a first decision until matching has read the log up to the install."""

from __future__ import annotations

from schemas.time import DAY_MS, MINUTE_MS
from streams.runtime.state import MemoryStore
from streams.stages.common.observer import StageObserver
from streams.stages.common.watermarks import WAIT_STEPS
from streams.stages.contract import Effects
from streams.stages.journeys.active_models import Scorers, ScoringRules
from streams.stages.journeys.install_steps import INSTALL_AHEAD_MS_MAX
from streams.stages.journeys.journeys import Journeys
from tests.worlds.clock import NOON
from tests.worlds.records import RULES, answer, click, installed, late
from tests.worlds.stage_world import Fed, fed_journeys, rows

INSTALL = installed()


def stage(state: MemoryStore | None = None) -> Fed:
    """A partition to which matching has already told how far it has read."""
    fed = fed_journeys(RULES, state)
    if state is None:
        fed.journeys(watermarks={"read-0": NOON})
    return fed


def decided(effects: Effects) -> list[tuple[str, int, str]]:
    return [
        (row["install_id"], row["version"], row["touch_id"])
        for row in rows(effects, "attributions")
    ]


def test_one_decision_comes_out_where_the_click_is_read_after_the_answer() -> None:
    fed = stage()
    assert decided(fed.journeys(INSTALL, answer())) == []
    assert decided(fed.journeys(late(click("c", -1)), watermarks={"read-0": INSTALL.ts})) == []
    assert decided(fed.journeys(watermarks={"read-0": INSTALL.ts + 1})) == [("i1", 1, "touch of c")]


def test_records_before_the_mark_in_its_frame_are_in_the_decision() -> None:
    fed, mark = stage(), {"read-0": INSTALL.ts + 1}
    effects = fed.journeys(INSTALL, answer(), late(click("c", -1)), watermarks=mark)
    assert decided(effects) == [("i1", 1, "touch of c")]


def test_an_install_that_waits_is_decided_after_a_restart() -> None:
    fed = stage()
    fed.journeys(INSTALL, answer(), late(click("c", -1)))
    again = stage(fed.state)
    assert decided(again.journeys(watermarks={"read-0": INSTALL.ts + 1})) == [
        ("i1", 1, "touch of c")
    ]


def test_installs_that_wait_are_decided_in_the_order_of_the_log() -> None:
    fed = stage()
    names = ["b", "a", "c"]
    for ts, name in enumerate(names, start=1):
        fed.journeys(installed(ts=ts, install_id=name), answer(install_id=name))
    effects = fed.journeys(watermarks={"read-0": INSTALL.ts + 5 * MINUTE_MS})
    assert [name for name, _, _ in decided(effects)] == names


def test_a_matching_partition_that_never_told_how_far_it_has_read_is_not_waited_for() -> None:
    assert decided(fed_journeys(RULES).journeys(INSTALL, answer())) == [("i1", 1, "")]
    first = fed_journeys(RULES)
    assert decided(first.journeys(INSTALL, answer(), watermarks={"read-0": 1})) == []


def two_partitions() -> Fed:
    observer = StageObserver()
    scorers = Scorers(lambda _: None, observer, ScoringRules())
    two = Fed(Journeys(0, 2, RULES, scorers, observer))
    two.journeys(INSTALL, answer(), watermarks={"read-0": INSTALL.ts, "read-1": INSTALL.ts})
    return two


def test_a_partition_that_stands_still_holds_decisions_back_for_the_decision_wait() -> None:
    two = two_partitions()
    moments = range(0, 2 * RULES.decision_wait_ms, MINUTE_MS // 2)
    waited = next(
        after
        for after in moments
        if decided(two.journeys(watermarks={"read-1": INSTALL.ts + after}))
    )
    assert 0 <= waited - RULES.decision_wait_ms <= RULES.decision_wait_ms // WAIT_STEPS + MINUTE_MS


def test_an_install_that_a_clock_far_ahead_has_stamped_is_waited_for_by_nobody() -> None:
    fed = stage()
    fed.journeys(watermarks={"read-0": NOON, "matching-0": NOON})
    ahead = installed(ts=(INSTALL_AHEAD_MS_MAX + DAY_MS) // MINUTE_MS, install_id="ahead")
    assert decided(fed.journeys(ahead, answer(install_id="ahead"))) == [("ahead", 1, "")]
    soon = installed(ts=(INSTALL_AHEAD_MS_MAX - DAY_MS) // MINUTE_MS, install_id="soon")
    assert decided(fed.journeys(soon, answer(install_id="soon"))) == []


def test_a_partition_that_leaps_while_catching_up_does_not_end_the_wait_for_others() -> None:
    two = two_partitions()
    assert decided(two.journeys(watermarks={"read-1": INSTALL.ts + 30 * DAY_MS})) == []
    assert decided(two.journeys(late(click("c", -1)), watermarks={"read-0": INSTALL.ts + 1})) == [
        ("i1", 1, "touch of c")
    ]
