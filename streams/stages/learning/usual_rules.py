"""The usual rules of learning, for the declared targets."""

from __future__ import annotations

from msgspec import structs

from online_models.learning.gates import GateRules
from online_models.learning.rules import Challenger, rules_for
from online_models.learning.value_learner import ValueLearnerRules
from online_models.targets.targets import VALUE, Targets
from streams.stages.learning.rules import LearningRules


def learning_of(targets: Targets, challengers: tuple[Challenger, ...] = ()) -> LearningRules:
    """The usual rules for these targets, each with these challengers."""
    hazards = {
        one.name: structs.replace(
            rules_for(one.shape, one.prior),
            gate=GateRules(positives_min=one.positives_min, proven_positives=one.proven_positives),
            challengers=challengers,
            river=one.challengers,
        )
        for one in targets.hazards
    }
    return LearningRules(hazards | {VALUE: ValueLearnerRules()})
