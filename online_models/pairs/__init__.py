"""The live pair model: which touchpoint led to an install, learned from installs with ids.

Weights in the rule file, fixed or fitted once to a history, decide until a version of this model
was not shown worse than they are.
"""

__all__ = [
    "match_gate",
    "match_learner",
    "match_model",
    "match_parts",
    "match_rules",
    "pair_classifier",
    "pair_weights",
]
