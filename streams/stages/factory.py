"""Makes the stage objects of a worker, a replay or a simulation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from attribution.rules.rules import Rules
from online_models.scoring.jit_warm_up import warm_up
from streams.stages.common.observer import StageObserver
from streams.stages.contract import Stage
from streams.stages.intake.intake import Intake, IntakeRules
from streams.stages.journeys.active_models import FindSnapshot, Scorers, ScoringRules
from streams.stages.journeys.journeys import Journeys
from streams.stages.learning.learning import Learning, LearningRules
from streams.stages.matching.matching import Matching
from streams.stages.sites.sites import Sites

STAGES = ("intake", "matching", "journeys", "sites", "learning")
StageConstructor = Callable[[str, int, int], Stage]
"""Stage name, partition number, number of partitions."""


@dataclass(frozen=True, slots=True)
class StageRules:
    """Everything that decides, apart from the log itself."""

    intake: IntakeRules
    attribution: Rules = field(default_factory=Rules)
    learning: LearningRules = field(default_factory=LearningRules)
    scoring: ScoringRules = field(default_factory=ScoringRules)
    keeps_state: bool = True  # False: nothing outlives the process, so nothing need be stored


def stage_factory(
    rules: StageRules, find_snapshot: FindSnapshot, observer: StageObserver
) -> StageConstructor:
    """Stages made by one factory share the scorers they read."""
    warm_up()
    scorers = Scorers(find_snapshot, observer, rules.scoring)

    def create(stage: str, partition: int, partitions: int) -> Stage:
        match stage:
            case "intake":
                return Intake(partition, partitions, rules.intake, observer)
            case "matching":
                return Matching(partition, partitions, rules.attribution, observer)
            case "journeys":
                return Journeys(partition, partitions, rules.attribution, scorers, observer)
            case "sites":
                return Sites(partition, partitions, rules.attribution, observer)
            case "learning":
                stored = rules.keeps_state
                return Learning(partitions, rules.learning, observer, is_stored=stored)
        raise ValueError(f"no stage {stage!r}")

    return create
