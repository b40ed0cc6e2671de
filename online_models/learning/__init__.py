"""Learners of ordered logs: one protocol, the evidence they collect, gates, versions, registry."""

__all__ = [
    "evidence",
    "example_block",
    "example_learner",
    "gates",
    "learner",
    "learner_parts",
    "registry",
    "residual_watch",
    "rules",
    "target_learner",
    "value_learner",
    "verdicts",
]
