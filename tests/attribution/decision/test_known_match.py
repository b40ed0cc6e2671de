"""An install with ids teaches probabilistic matching, and its ids stay hidden."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from attribution.decision.candidates import Candidate
from attribution.decision.known_match import MATCH_PAIRS_MAX, match_example
from attribution.decision.waterfall import Case, run_waterfall
from attribution.matching.facts import Evicted
from attribution.rules.rules import Policy, Probabilistic, Rules
from schemas.records import Installed, MatchExample, Signal
from tests.attribution.probabilistic.pair_world import HOME, NEIGHBOUR, STRANGER, install, touch
from tests.worlds.records import by

RULES = Rules(default=Policy(probabilistic=Probabilistic(click=True)))
NAMED = Candidate(Signal.CLICK_ID, touch("named", HOME))
BESIDE = Candidate(Signal.PROBABILISTIC, touch("beside", NEIGHBOUR, -200))


def taught(
    *candidates: Candidate, of: Installed | None = None, rules: Rules = RULES
) -> MatchExample | Evicted | None:
    case = Case(of or install())
    found: Sequence[Candidate] = candidates
    return match_example(list(found), case, run_waterfall(found, case, rules), rules)


def test_the_click_that_the_id_names_is_the_match_and_its_neighbour_is_not() -> None:
    found = taught(NAMED, BESIDE)
    assert isinstance(found, MatchExample)
    assert [(pair.levels[:2], pair.is_match) for pair in found.pairs] == [
        (["same_address", "same_agent"], True),
        (["same_network", "same_system"], False),
    ]


def test_what_cannot_be_the_persons_is_learned_as_none_of_them() -> None:
    by_device = Candidate(Signal.DEVICE_ID, replace(touch("mine", HOME), traits=[]))
    found = taught(by_device, BESIDE)
    assert isinstance(found, MatchExample)
    assert [pair.is_match for pair in found.pairs] == [False]
    organic = taught(BESIDE, of=replace(install(), devices=[7]))
    assert isinstance(organic, MatchExample)


def test_where_nobody_knows_nothing_is_taught() -> None:
    guessed = Candidate(Signal.PROBABILISTIC, touch("guessed", HOME, -1))
    assert taught(BESIDE) is None  # It has no id at all.
    assert taught(guessed, of=replace(install(), devices=[7])) is None
    assert taught(NAMED, of=replace(install(), traits=[])) is None
    assert taught(NAMED, of=replace(install(), is_sandbox=True)) is None
    assert taught(NAMED, rules=Rules()) is None  # Probabilistic matching is off.


def test_a_click_from_elsewhere_would_never_have_been_compared() -> None:
    assert taught(Candidate(Signal.CLICK_ID, touch("far", STRANGER))) is None


def test_a_crowd_teaches_nothing_and_is_counted() -> None:
    crowd = [
        Candidate(Signal.PROBABILISTIC, by(touch(f"t{n}", NEIGHBOUR, -9 - n), f"source {n}"))
        for n in range(MATCH_PAIRS_MAX)
    ]
    assert taught(NAMED, *crowd) == Evicted("match_pairs_max", 1)
    assert isinstance(taught(NAMED, *crowd[1:]), MatchExample)
