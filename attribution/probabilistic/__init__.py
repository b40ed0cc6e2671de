"""Probabilistic matching: how likely a touchpoint without any shared id led to an install."""

__all__ = ["choice_fit", "pair_fit", "pair_model", "pair_score", "rule_section"]
