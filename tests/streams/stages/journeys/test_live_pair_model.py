"""From its marker on, a live pair model decides probabilistic matches; until then the rules do."""

from __future__ import annotations

from msgspec.structs import replace

from attribution.probabilistic.pair_model import DEFAULT_MODEL
from attribution.rules.rules import Policy, Probabilistic, Rules
from online_models.pairs.match_model import MATCHES, dump_match_model
from online_models.pairs.pair_weights import Calibration
from schemas import topics
from schemas.records import (
    Candidates,
    Installed,
    MatchExample,
    ModelMarker,
    Signal,
    example_frames,
)
from streams.runtime.state import MemoryStore
from streams.stages.common.live_pair_model import pair_model_of, pair_weights_of
from streams.stages.common.observer import StageObserver
from streams.stages.contract import Effects
from streams.stages.journeys.active_models import Scorers, ScoringRules
from streams.stages.journeys.journeys import Journeys
from tests.attribution.probabilistic.pair_world import HOME, NEIGHBOUR, touch
from tests.worlds.records import answer, installed
from tests.worlds.stage_world import Fed, rows

RULES = Rules(default=Policy(probabilistic=Probabilistic(click=True)))
DOUBTFUL = replace(pair_weights_of(DEFAULT_MODEL), calibration=Calibration(0.81, 0.84, 30.0))
VERSION, CONTENT = dump_match_model(500, DOUBTFUL)
IN_FORCE = ModelMarker(MATCHES, VERSION)


def journeys(state: MemoryStore | None = None) -> Fed:
    observer = StageObserver()
    scorers = Scorers(lambda _: CONTENT, observer, ScoringRules())
    return Fed(Journeys(0, 1, RULES, scorers, observer), state)


def person(install_id: str, lookups: int = 1) -> Installed:
    return replace(installed(install_id=install_id, lookups=lookups), traits=HOME)


def guess(install_id: str, traits: list[str] = HOME) -> Candidates:
    return answer(touch("c1", traits, -1), signal=Signal.PROBABILISTIC, install_id=install_id)


def decided(effects: Effects) -> tuple[str, str]:
    (row,) = rows(effects, "attributions")
    return row["match_type"], row["model_version"]


def test_the_version_named_by_the_marker_decides_until_it_is_suspended() -> None:
    stage = journeys()
    before = decided(stage.journeys(person("i1"), guess("i1")))
    during = decided(stage.journeys(IN_FORCE, person("i2"), guess("i2")))
    after = decided(stage.journeys(ModelMarker(MATCHES, ""), person("i3"), guess("i3")))
    assert before == after == ("probabilistic", DEFAULT_MODEL.version)
    assert during == ("none", "")  # In its eyes it was hardly ever anybody.


def test_the_version_in_force_survives_a_restart_and_is_named_by_the_row() -> None:
    sure = dump_match_model(500, pair_weights_of(DEFAULT_MODEL))
    observer = StageObserver()
    scorers = Scorers(lambda _: sure.content, observer, ScoringRules())
    first = Fed(Journeys(0, 1, RULES, scorers, observer))
    first.journeys(ModelMarker(MATCHES, sure.version))
    again = Fed(Journeys(0, 1, RULES, scorers, observer), first.state)
    assert decided(again.journeys(person("i1"), guess("i1"))) == ("probabilistic", sure.version)


def test_a_model_that_went_through_weights_and_back_scores_the_same() -> None:
    from online_models.pairs.match_model import load_match_model

    loaded = load_match_model(dump_match_model(1, pair_weights_of(DEFAULT_MODEL)).content)
    model = pair_model_of(loaded)  # type: ignore[arg-type]  # It is usable: it was just written.
    assert pair_weights_of(model) == pair_weights_of(DEFAULT_MODEL)


def test_an_install_with_ids_teaches_once_and_names_nobody() -> None:
    stage = journeys()
    named = answer(touch("c1", HOME, -1), signal=Signal.CLICK_ID)
    beside = answer(touch("c2", NEIGHBOUR, -9), signal=Signal.PROBABILISTIC, ordinal=1)
    effects = stage.journeys(person("i1", lookups=2), named, beside)
    frames = [
        example_frames.decode(message.value or b"")
        for message in effects.messages[topics.EXAMPLES.name, 0]
    ]
    taught = [one for frame in frames for one in frame.records if isinstance(one, MatchExample)]
    assert [[pair.is_match for pair in one.pairs] for one in taught] == [[True, False]]
    assert not any(b"i1" in (m.value or b"") for m in effects.messages[topics.EXAMPLES.name, 0])
    again = stage.journeys(answer(touch("c3", HOME, -2), signal=Signal.CLICK_ID, ordinal=-1))
    assert (topics.EXAMPLES.name, 0) not in again.messages
