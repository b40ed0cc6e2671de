"""Drives the stages: polls their input through Faust, queues it by lane, commits each decision in
one Kafka transaction, and restores state after a rebalance or a crash.
"""

__all__ = [
    "checkpoint",
    "clients",
    "faust",
    "fleet",
    "lane",
    "lead",
    "offsets",
    "queue",
    "recovery",
    "reports",
    "rocks",
    "snapshots",
    "state",
    "ticks",
]
