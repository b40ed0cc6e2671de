"""The logs that a broker has under our topics' names, and what became of them since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_NAMED_MAX = 3


@dataclass(frozen=True, slots=True)
class KnownLogs:
    """What a broker said at one moment. Topic names are without the prefix."""

    cluster: str = ""  # empty: the broker does not say
    topic_ids: Mapping[str, str] = field(default_factory=dict)  # of topics that have one
    partitions: Mapping[str, int] = field(default_factory=dict)  # of topics that exist

    def log_id(self, topic: str) -> str:
        """Cluster and topic id, which no later log of this name shares; empty: unknown."""
        found = self.topic_ids.get(topic, "")
        return f"{self.cluster}/{found}" if found else ""


UNKNOWN_LOGS = KnownLogs()
"""Of a broker without topic ids: nothing is compared, and nothing is found wrong."""


def changes_between(before: KnownLogs, now: KnownLogs) -> list[str]:
    """One line for each kind of change: topics gone, created anew, or with other partitions."""
    gone = [name for name in before.partitions if name not in now.partitions]
    anew = [
        name
        for name in before.topic_ids
        if name in now.topic_ids and before.log_id(name) != now.log_id(name)
    ]
    grown = [
        name
        for name, count in before.partitions.items()
        if name not in anew and now.partitions.get(name, count) != count
    ]
    lines = []
    if gone:
        lines.append(
            f"{_named(gone)} deleted while this worker ran: run `headwater migrate` to create "
            "what is missing, then start the worker, which says whether state and positions still "
            "fit"
        )
    if anew:
        topic = anew[0]
        lines.append(
            f"{_named(anew)} deleted and created anew while this worker ran ({topic}: "
            f"{before.log_id(topic)} is now {now.log_id(topic)}): start the worker again, which "
            "says whether state and positions still fit"
        )
    if grown:
        topic = grown[0]
        count, wanted = now.partitions[topic], before.partitions[topic]
        lines.append(
            f"topics changed their number of partitions while this worker ran ({topic} has "
            f"{count}, not {wanted}): keys now go to other partitions than their state; `headwater "
            "doctor` has advice"
        )
    return lines


def _named(names: Sequence[str]) -> str:
    more = len(names) - _NAMED_MAX
    listed = ", ".join(names[:_NAMED_MAX]) + (f" and {more} more" if more > 0 else "")
    return f"topics {listed} were" if len(names) > 1 else f"topic {listed} was"
