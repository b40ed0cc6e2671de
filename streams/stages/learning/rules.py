"""What decides how every model is learned; without the learners, for workers that never learn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from online_models.credit.learner import CreditRules
from online_models.learning.rules import rules_for
from online_models.pairs.match_rules import MatchRules

if TYPE_CHECKING:
    from streams.stages.learning.targets import AnyRules


@dataclass(frozen=True, slots=True)
class LearningRules:
    """What decides how every model is learned; targets by name."""

    targets: Mapping[str, AnyRules] = field(default_factory=lambda: {"payer": rules_for()})
    credit: CreditRules = field(default_factory=CreditRules)
    match: MatchRules = field(default_factory=MatchRules)
