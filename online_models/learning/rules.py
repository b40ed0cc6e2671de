"""What decides how a target is learned, when a version is tried, and which models compete."""

from __future__ import annotations

from msgspec import Struct, structs

from online_models.challengers.declaration import PromotionRules, RiverDeclaration
from online_models.drift.watch import DriftRules
from online_models.hazard.bins import PAYER, Shape
from online_models.hazard.rules import HazardRules
from online_models.learning.gates import GateRules
from online_models.scoring.shrunk_rates import RateRules
from schemas.time import HOUR_MS

FIRST_CHAMPION = "main"
"""Name of the model that is the champion from the beginning of the log."""


class Challenger(Struct, frozen=True):
    """A model that learns the same examples as the champion, with learning rates of its own."""

    name: str
    alpha: float
    l2: float = 20.0


class PaceRules(Struct, frozen=True):
    """When a version is tried. Counts are examples, of one install and bin each."""

    block: int = 200
    """Examples that are learned, judged and watched together. Blocks are counted from the log's
    beginning, so that versions do not depend on how the log was read."""
    first_trial: int = 200
    """Examples after which rates are published for the first time: until then the prior answers."""
    first_publication: int = 1000
    """Examples between trials until a version has been published."""
    publish_every: int = 5000
    publish_growth: float = 0.15
    """Nor before the number of examples has grown by this share,"""
    publish_every_max: int = 100_000
    """unless there have been so many since the last trial."""
    publish_interval_ms: int = HOUR_MS // 12
    """Nor sooner than this after the last trial, in log time."""
    window: int = 100
    """Latest blocks that count as evidence,"""
    window_positives: int = 100
    """and as many more as it takes until they have so many positives,"""
    window_max: int = 500
    """but never more than this."""
    shift_check_max: int = 256
    """Size of the shift-check set: recent snapshots that two versions are compared on."""


class Counts(Struct):
    """Examples since the beginning of the log. `skipped`: their bin or landmark does not exist."""

    seen: int = 0
    positives: int = 0
    skipped: int = 0
    tried_at: int = 0
    tried_time: int = 0  # log time, ms
    time: int = 0  # log time of the latest block, ms
    published_at: int = 0  # when the version published last was, in examples seen

    def is_trial_due(self, rules: PaceRules, *, is_first: bool) -> bool:
        """Whether a version must be tried now. `is_first`: none has been published yet."""
        since = self.seen - self.tried_at
        if is_first:
            wait = rules.first_publication
            return since >= (wait if self.tried_at else min(wait, rules.first_trial))
        grown = min(int(self.seen * rules.publish_growth), rules.publish_every_max)
        return (
            since >= max(rules.publish_every, grown)
            # Earlier than the last trial: a clock was wrong then, and must not stop all versions.
            and abs(self.time - self.tried_time) >= rules.publish_interval_ms
        )

    def try_now(self) -> None:
        """Note that a version is tried now."""
        self.tried_at, self.tried_time = self.seen, self.time


class LearnerRules(PaceRules, frozen=True):
    """Of one target."""

    hazard: HazardRules = HazardRules()
    challengers: tuple[Challenger, ...] = ()
    """Models beside the one that `hazard` describes."""
    promotion_margin: float = 0.005
    promotion_rows: int = 20_000
    promotion_positives: int = 200
    """A challenger becomes champion when its log loss is lower by `promotion_margin`, a share,
    over at least so many rows and positives."""
    gate: GateRules = GateRules()
    drift: DriftRules = DriftRules()
    """Of residuals."""
    river: tuple[RiverDeclaration, ...] = ()
    """River classifiers beside the models of this product."""

    def with_challengers(self) -> list[tuple[str, HazardRules]]:
        """The rules of every model by name; the first is the champion of the beginning."""
        changed = [
            (one.name, structs.replace(self.hazard, alpha=one.alpha, l2=one.l2))
            for one in self.challengers
        ]
        return [(FIRST_CHAMPION, self.hazard), *changed]

    @property
    def promotion(self) -> PromotionRules:
        """What a River challenger needs to lead."""
        return PromotionRules(
            rows=self.promotion_rows,
            positives=self.promotion_positives,
            margin=self.promotion_margin,
            positives_min=self.gate.positives_min,
        )

    def of_rates(self) -> RateRules:
        """The rules of the shrunk rates of the same target."""
        return RateRules(shape=self.hazard.shape, prior=self.hazard.prior)


def rules_for(shape: Shape = PAYER, prior: float = 0.05) -> LearnerRules:
    """The usual rules for a target of this shape. `prior`: share of installs that reach it."""
    return LearnerRules(hazard=HazardRules(shape=shape, prior=prior))
