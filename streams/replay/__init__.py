"""Replays files through the stages without a broker, and compares two rule sets on them.

`run` stores what it decides, `what_if` stores nothing; both run `engine` over records that
`streams.kafka.kcat` reads.
"""

__all__ = [
    "compare",
    "compare_text",
    "engine",
    "memory_log",
    "report",
    "run",
    "tally",
    "time_order",
    "unreadable_lines",
    "what_if",
]
