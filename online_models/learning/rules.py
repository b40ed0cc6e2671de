"""What decides how a target is learned, when versions are tried, and who competes."""

from __future__ import annotations

from msgspec import Struct, structs

from online_models.drift.watch import DriftRules
from online_models.hazard.bins import PAYER, Shape
from online_models.hazard.rules import HazardRules
from online_models.learning.gates import GateRules
from online_models.scoring.shrunk_rates import RateRules
from schemas.time import HOUR_MS

MAIN = "main"
"""The contestant that leads from the beginning."""


class Contestant(Struct, frozen=True):
    """A model that learns everything beside the others, with rates of learning of its own."""

    name: str
    alpha: float
    l2: float = 20.0


class PaceRules(Struct, frozen=True):
    """When a version is tried. Counts are examples: what one bin said of one install."""

    block: int = 200
    """Examples that are learned, judged and watched together, counted from the log's beginning:
    what follows from them then does not depend on how the log was read."""
    first_publication: int = 1000
    publish_every: int = 5000
    publish_growth: float = 0.15
    """Also not before what was seen has grown by this share."""
    publish_every_max: int = 100_000
    """Unless so many have come."""
    publish_interval_ms: int = HOUR_MS // 12
    """Nor sooner after the last trial of a version, by log time."""
    window: int = 100
    """Blocks that count as evidence."""
    golden_max: int = 256
    """Recent snapshots on which the shift of a version is measured."""


class Counts(Struct):
    """Examples since the beginning of the log. `skipped`: of no bin or landmark of the target."""

    seen: int = 0
    positives: int = 0
    skipped: int = 0
    tried_at: int = 0
    tried_time: int = 0  # log time, ms
    time: int = 0  # log time of the latest block, ms

    def is_trial_due(self, rules: PaceRules, *, is_first: bool) -> bool:
        since = self.seen - self.tried_at
        if is_first:
            return since >= rules.first_publication
        grown = min(int(self.seen * rules.publish_growth), rules.publish_every_max)
        return (
            since >= max(rules.publish_every, grown)
            # Earlier than the last trial: a clock was wrong then, and must not stop all versions.
            and abs(self.time - self.tried_time) >= rules.publish_interval_ms
        )

    def try_now(self) -> None:
        self.tried_at, self.tried_time = self.seen, self.time


class LearnerRules(PaceRules, frozen=True):
    hazard: HazardRules = HazardRules()
    contestants: tuple[Contestant, ...] = ()
    """Beside the one that `hazard` describes."""
    champion_every: int = 8
    """Of so many examples one is also scored by the version published last."""
    promotion_margin: float = 0.005
    promotion_rows: int = 20_000
    promotion_positives: int = 200
    """A contestant takes the lead when its log loss is lower by this share over so much."""
    gate: GateRules = GateRules()
    drift: DriftRules = DriftRules()
    """Of residuals."""

    def of_contestants(self) -> list[tuple[str, HazardRules]]:
        """The first leads until another one takes over."""
        changed = [
            (one.name, structs.replace(self.hazard, alpha=one.alpha, l2=one.l2))
            for one in self.contestants
        ]
        return [(MAIN, self.hazard), *changed]

    def of_rates(self) -> RateRules:
        return RateRules(shape=self.hazard.shape, prior=self.hazard.prior)


def rules_for(shape: Shape = PAYER, prior: float = 0.05) -> LearnerRules:
    """The usual rules for a target of this shape, which so many installs reach by its end."""
    return LearnerRules(hazard=HazardRules(shape=shape, prior=prior))
