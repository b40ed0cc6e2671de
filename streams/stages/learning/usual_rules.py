"""The usual rules of learning, for the declared targets."""

from __future__ import annotations

from msgspec import structs

from attribution.probabilistic.pair_model import DEFAULT_MODEL, PairModel
from online_models.learning.gates import GateRules
from online_models.learning.rules import Challenger, rules_for
from online_models.learning.value_learner import ValueLearnerRules
from online_models.pairs.match_rules import MatchRules
from online_models.targets.targets import VALUE, Targets
from streams.stages.common.live_pair_model import pair_weights_of
from streams.stages.learning.rules import LearningRules


def learning_of(
    targets: Targets,
    challengers: tuple[Challenger, ...] = (),
    pair_model: PairModel = DEFAULT_MODEL,
) -> LearningRules:
    """The usual rules for these targets, each with these challengers; `pair_model`: in
    the rules."""
    hazards = {
        one.name: structs.replace(
            rules_for(one.shape, one.prior),
            gate=GateRules(positives_min=one.positives_min, proven_positives=one.proven_positives),
            challengers=challengers,
            river=one.challengers,
        )
        for one in targets.hazards
    }
    match = MatchRules(in_force=pair_weights_of(pair_model))
    return LearningRules(hazards | {VALUE: ValueLearnerRules()}, match=match)
