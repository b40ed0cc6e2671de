"""Operations on an installation: query, explain, migrate, dead letters, models, doctor, credit,
experiments, and checking and publishing events.

Each answers one command, and returns values; `streams.cli` prints them.
"""

__all__ = [
    "dead_letters",
    "doctor",
    "experiments",
    "explain",
    "migrate",
    "models",
    "path_credit",
    "query",
    "rekey",
    "send",
    "validation",
]
