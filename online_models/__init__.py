"""Online models of installs: whether they pay, what they spend, and what brought them.

Pure functions and values: no Kafka, no ClickHouse, no clock, no environment. Start at `learning`
(learners and gates) and `scoring` (what happens at a landmark); README.md is the model card.
"""

__all__ = [
    "credit",
    "drift",
    "estimators",
    "experiments",
    "features",
    "hazard",
    "learning",
    "pairs",
    "persistence",
    "quality",
    "scoring",
    "targets",
    "value",
]
