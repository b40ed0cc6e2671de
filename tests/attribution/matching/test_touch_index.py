"""Touchpoints and installs find each other under a key, whichever comes first."""

from __future__ import annotations

from attribution.matching import touch_index
from attribution.matching.facts import Evicted, MatchFact, Settled
from attribution.matching.touch_index import TouchIndex
from attribution.privacy import erased_installs
from attribution.rules.rules import Rules
from schemas.records import Candidates, InstallSeen, TouchSeen
from tests.worlds.clock import DAY, WEEK
from tests.worlds.records import RULES, answer, click, installed, late, looked_up, seen

CLICK = click("c1", -1)
LOOKUP = looked_up(installed(0))


def tell(*records: TouchSeen | InstallSeen, rules: Rules = RULES) -> list[MatchFact]:
    """All facts, in order, of records under one key."""
    index: TouchIndex | None = None
    facts: list[MatchFact] = []
    for record in records:
        if isinstance(record, TouchSeen):
            index, new_facts = touch_index.index_touch(index, record, rules)
        else:
            index, new_facts = touch_index.index_install(index, record, rules)
        facts += new_facts
    return facts


def test_an_install_is_answered_with_what_was_touched_before() -> None:
    assert tell(seen(CLICK), LOOKUP) == [Settled((0, 0, 0), "decided"), answer(CLICK)]


def test_an_install_nobody_touched_gets_an_empty_answer() -> None:
    assert tell(LOOKUP) == [answer()]


def test_a_touchpoint_after_its_install_is_a_late_candidate() -> None:
    assert tell(LOOKUP, seen(CLICK)) == [answer(), Settled((0, 0, 0), "decided"), late(CLICK)]


def test_a_repeated_touchpoint_is_a_duplicate_and_no_candidate_again() -> None:
    facts = tell(LOOKUP, seen(CLICK), seen(CLICK, offset=7))
    assert facts[-1] == Settled((0, 0, 7), "duplicate")
    assert facts.count(late(CLICK)) == 1


def test_only_the_home_key_accounts_for_a_touchpoint() -> None:
    assert tell(seen(CLICK, is_home=False), seen(CLICK, is_home=False)) == []


def test_a_repeated_install_is_answered_again_but_remembered_once() -> None:
    assert tell(LOOKUP, LOOKUP, seen(CLICK)).count(late(CLICK)) == 1


def test_what_no_journey_could_credit_is_not_forwarded() -> None:
    old, future = click("old", -31 * DAY), click("future", 1)
    too_late = click("too late", -1, ts=WEEK + 1)
    assert tell(seen(old), seen(future), seen(too_late), LOOKUP)[-1] == answer()


def test_beyond_the_bound_the_oldest_touchpoint_is_evicted_and_counted() -> None:
    rules = Rules(touches_per_key_max=2)
    facts = tell(*(seen(click(f"c{n}", -n)) for n in (1, 3, 2)), LOOKUP, rules=rules)
    assert Evicted("touches_per_key_max", 1) in facts
    assert isinstance(facts[-1], Candidates)
    assert [touch.event_id for touch in facts[-1].touches] == ["c2", "c1"]


def test_beyond_the_bound_the_oldest_install_is_evicted_and_counted() -> None:
    rules = Rules(installs_per_key_max=1)
    lookups = [looked_up(installed(n, install_id=f"i{n}")) for n in (2, 1)]
    assert Evicted("installs_per_key_max", 1) in tell(*lookups, rules=rules)


def test_an_index_expires_when_nothing_in_it_can_matter_any_more() -> None:
    index, _ = touch_index.index_touch(None, seen(CLICK), RULES)
    assert (
        erased_installs.touch_index_expires_at(index, RULES) == CLICK.ts + RULES.touch_retention_ms
    )
