"""Scores installs at landmarks and releases their labels: tiers, shrunk rates, examples."""

__all__ = [
    "jit_warm_up",
    "labels",
    "landmark_scores",
    "landmarks",
    "prospects",
    "releases",
    "shrunk_rates",
    "tiers",
]
