"""Matching: the stage around the match index."""

__all__ = ["credit_rows", "key_states", "matching"]
