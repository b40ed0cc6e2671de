"""How calibrated the live pair model is: every install judged by the version that it would meet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from attribution.decision.known_match import MATCH_PAIRS_MAX
from attribution.probabilistic.pair_fit import KnownMatch
from attribution.probabilistic.pair_model import PairModel
from attribution.probabilistic.pair_score import pair_levels
from attribution.rules.rules import Rules
from online_models.learning.verdicts import Publication
from online_models.pairs.match_learner import MatchLearner
from online_models.pairs.match_rules import MatchRules
from schemas.records import MatchExample, MatchPair
from streams.lab.evaluation.match.calibration import Guess, calibration_error
from streams.lab.evaluation.match.pair_figures import best_guesses, precision
from streams.stages.common.live_pair_model import calibrate, pair_model_of, pair_weights_of


def live_guesses(known: Iterable[KnownMatch], in_force: PairModel) -> list[Guess]:
    """The best guess of the live version on each install, before it is learned; none while the
    weights in force decide. In log order."""
    learner = MatchLearner(MatchRules(in_force=pair_weights_of(in_force)), calibrate)
    guesses: list[Guess] = []
    model: PairModel | None = None
    for match in known:
        if not match.touches:
            continue
        if model is not None:
            guesses += best_guesses([match], model)
        if len(match.touches) > MATCH_PAIRS_MAX:
            continue
        for verdict in learner.learn([_example_of(match)]):
            if isinstance(verdict, Publication) and learner.champion is not None:
                model = pair_model_of(learner.champion)
            elif learner.champion is None:
                model = None
    return guesses


def live_figures(known: Sequence[KnownMatch], rules: Rules) -> dict[str, Any]:
    """Calibration of the live versions, and precision at the confidence that the rules accept."""
    guesses = live_guesses(known, rules.pair_model)
    return {
        "probabilistic_ece_live": round(calibration_error(guesses), 6),
        "probabilistic_precision_live": precision(guesses, rules.default.probabilistic.confidence),
        "probabilistic_installs_live": len(guesses),
    }


def _example_of(match: KnownMatch) -> MatchExample:
    install = match.install
    return MatchExample(
        install.app_id,
        install.source,
        install.ts,
        [
            MatchPair(pair_levels(touch, install), touch.touch_id == match.touch_id)
            for touch in match.touches
        ],
    )
