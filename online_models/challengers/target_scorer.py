"""Loads a version of a target, whichever kind of model it is of.

River is imported only where challengers are declared, and one of them leads.
"""

from __future__ import annotations

from online_models.challengers.declaration import RiverDeclaration
from online_models.hazard.persistence import load_hazard_scorer
from online_models.hazard.rules import HazardRules
from online_models.persistence.envelope import Unusable
from online_models.scoring.tiers import ChanceScorer

_RIVER = b"challenger/river-scorer/"


def load_target_scorer(
    content: bytes, rules: HazardRules, declared: tuple[RiverDeclaration, ...]
) -> ChanceScorer | Unusable:
    """The scorer of a version of the hazard model or of a River challenger declared here."""
    if _RIVER not in content[:64]:
        return load_hazard_scorer(content, rules)
    if not declared:
        return Unusable("a River challenger leads that is not declared here")
    from online_models.challengers.river_scorer import load_river_scorer

    return load_river_scorer(content, rules, declared)
