"""What this project changes in Faust: whole poll batches, a consumer of its own, and an assignor
that keeps partition numbers together. Private members of both libraries stand in `internals`.
"""

__all__ = [
    "app",
    "assignor",
    "batches",
    "consumer_thread",
    "internals",
    "passed_offsets",
    "transport",
]
