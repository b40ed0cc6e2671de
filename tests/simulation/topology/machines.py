"""The rules of a seed, and stages as one worker makes them."""

from __future__ import annotations

from collections.abc import Mapping

import lz4.frame
from msgspec import structs

from online_models.credit.gates import CreditGateRules
from online_models.credit.learner import CreditRules
from online_models.hazard.rules import HazardRules
from online_models.learning.gates import GateRules, ValueGateRules
from online_models.learning.rules import LearnerRules, PaceRules
from online_models.learning.value_learner import ValueLearnerRules
from online_models.targets.targets import VALUE
from online_models.value.rules import ValueRules
from schemas import topics
from schemas.time import EventMs
from streams.stages.common.observer import StageObserver
from streams.stages.contract import NamesSources, Stage
from streams.stages.factory import StageConstructor, StageRules, stage_factory
from streams.stages.intake.intake import IntakeRules
from streams.stages.journeys.active_models import ScoringRules
from streams.stages.learning.rules import LearningRules
from streams.stages.learning.targets import AnyRules
from tests.simulation.scenarios.advertisements import SECRETS
from tests.simulation.scenarios.rule_sets import rule_set
from tests.simulation.scenarios.scenario import EARLIEST
from tests.simulation.topology.log import Log
from tests.worlds.postback_world import OUR_RULES

SLOTS = 2**8  # Small models: a simulation makes and reads many.
SNAPSHOTS = (topics.MODEL_SNAPSHOTS.name, 0)


class NothingEvicted(StageObserver):
    """The laws hold while no bound is hit; the scenarios are small enough never to hit one."""

    def on_evicted(self, bound: str, count: int) -> None:
        raise AssertionError(f"{bound} was hit")


def stage_rules(seed: int) -> StageRules:
    """Models are tried early, and in every other seed hardly ever pass."""
    rules = rule_set(seed).rules
    lenient = GateRules(
        positives_min=0, margin=99.0, proven_positives=0, calibration_positives=10**9,
        shift_positives=10**9,
    )  # fmt: skip
    early = PaceRules(
        block=2, first_publication=2, publish_every=2, publish_growth=0.0, publish_interval_ms=0,
        window=20, window_positives=10, shift_check_max=4,
    )  # fmt: skip
    pace = structs.asdict(early)
    learner = LearnerRules(
        **pace, hazard=HazardRules(slots=SLOTS),
        gate=lenient if seed % 2 else GateRules(positives_min=2, proven_positives=0),
    )  # fmt: skip
    intake = IntakeRules(
        b"secret", EventMs(EARLIEST), dead_letter_share_max=1.0, dead_letter_window=10**9,
        signature_secrets=SECRETS, is_probabilistic=rules.allows_probabilistic,
        postbacks=OUR_RULES,
    )  # fmt: skip
    credit = CreditRules(
        first_publication=2, publish_every=2, window=20,
        gate=CreditGateRules(9.0, 9.0, 9.0, 0.0, 1e9, 0) if seed % 2 else CreditGateRules(),
    )  # fmt: skip
    targets: dict[str, AnyRules] = {
        "payer": learner,
        VALUE: ValueLearnerRules(
            **pace, value=ValueRules(SLOTS), gate=ValueGateRules(amounts_min=2)
        ),
    }
    return StageRules(intake, rules, LearningRules(targets, credit), ScoringRules(slots=SLOTS))


def numbered(create: StageConstructor, logs: Mapping[str, int]) -> StageConstructor:
    """The same stages, in a worker that met these logs when it started."""

    def make(name: str, p: int, partitions: int, sources: int | None = None, /) -> Stage:
        stage = create(name, p, partitions, sources)
        if isinstance(stage, NamesSources):
            stage.source_logs = logs
        return stage

    return make


def factory(rules: StageRules, log: Log, observer: StageObserver | None = None) -> StageConstructor:
    """As one worker makes its stages: lanes of a worker share scorers."""

    def find(version: str) -> bytes | None:
        # Deleted versions are found too: who replays a log must say again what was said then.
        chunks = [
            record.value
            for record in log.committed(SNAPSHOTS)
            if record.value and (record.key or b"").startswith(f"{version}/".encode())
        ]
        packed = b"".join(chunks[-1:])  # small models fit one chunk
        content: bytes | None = lz4.frame.decompress(packed) if packed else None
        return content

    return stage_factory(rules, find, observer or NothingEvicted())
