"""Decides which touchpoint led to an install, and which install money belongs to. No I/O, no clock.

Start at `journey` (the state machine of one install) and `decision` (the waterfall); README.md in
this folder explains the method.
"""

__all__ = [
    "bounds",
    "decision",
    "journey",
    "matching",
    "multi_touch",
    "postbacks",
    "probabilistic",
    "rules",
    "sites",
]
