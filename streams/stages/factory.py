"""Makes the stages of a worker, a replay or a simulation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from attribution.rules.rules import Rules
from online_models.challengers.declaration import no_clock
from online_models.scoring.jit_warm_up import warm_up
from streams.stages.common.observer import StageObserver
from streams.stages.contract import Stage
from streams.stages.intake.intake import Intake, IntakeRules
from streams.stages.journeys.active_models import FindSnapshot, Scorers, ScoringRules
from streams.stages.journeys.journeys import Journeys
from streams.stages.learning.rules import LearningRules
from streams.stages.matching.matching import Matching
from streams.stages.sites.sites import Sites

STAGES = ("intake", "matching", "journeys", "sites", "learning")


class StageConstructor(Protocol):
    """Makes a stage from its name, its partition number and the number of partitions; `sources`:
    that of the source topics, if it is another."""

    def __call__(
        self, stage: str, partition: int, partitions: int, sources: int | None = None, /
    ) -> Stage: ...


@dataclass(frozen=True, slots=True)
class StageRules:
    """All rules that decide, apart from the log itself."""

    intake: IntakeRules
    attribution: Rules = field(default_factory=Rules)
    learning: LearningRules = field(default_factory=LearningRules)
    scoring: ScoringRules = field(default_factory=ScoringRules)
    keeps_state: bool = (
        True  # False: the state ends with the process, so that models need not be stored
    )


def stage_factory(
    rules: StageRules,
    find_snapshot: FindSnapshot,
    observer: StageObserver,
    clock: Callable[[], float] = no_clock,
) -> StageConstructor:
    """Make a constructor of stages. Its stages share read-only scorers. Warms up the JIT compiler.

    `find_snapshot` returns the bytes of a model version, or None if it is not known. `clock`: what
    time costs, in seconds, by which River challengers are timed; where a log is only read again
    they are not.
    """
    warm_up()
    scorers = Scorers(find_snapshot, observer, rules.scoring)
    erased_names = rules.intake.erased_names

    def create(stage: str, partition: int, partitions: int, sources: int | None = None) -> Stage:
        match stage:
            case "intake":
                return Intake(partition, partitions, rules.intake, observer, rules.attribution)
            case "matching":
                return Matching(partition, partitions, rules.attribution, observer, sources)
            case "journeys":
                return Journeys(
                    partition, partitions, rules.attribution, scorers, observer, erased_names
                )
            case "sites":
                return Sites(partition, partitions, rules.attribution, observer)
            case "learning":
                # Imported here, because most workers never learn.
                from streams.stages.learning.learning import Learning

                stored = rules.keeps_state
                return Learning(partitions, rules.learning, observer, is_stored=stored, clock=clock)
        raise ValueError(f"no stage {stage!r}")

    return create
