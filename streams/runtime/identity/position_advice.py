"""What to do about committed offsets that do not fit the topics, in words with a command."""

from __future__ import annotations

from collections.abc import Mapping

from streams.runtime.identity.known_logs import KnownLogs
from streams.runtime.identity.position_label import PositionLabel
from streams.settings.core import CoreSettings


def reset_command(settings: CoreSettings, topics: str) -> str:
    """How a person moves this group to the beginning of topics, given as the tool's options."""
    return (
        "stop the workers and run `kafka-consumer-groups.sh --bootstrap-server "
        f"{settings.bootstrap_servers} --group {settings.group_id} {topics} --reset-offsets "
        "--to-earliest --execute`"
    )


def regrown(group: str, labels: Mapping[str, PositionLabel], logs: KnownLogs) -> str:
    """One line when topics have other partitions than when offsets were committed; else empty.

    It is so when somebody adds partitions to all topics and changes the setting with them: nothing
    differs any more, and yet every key belongs to another partition than its state.
    """
    for topic, label in labels.items():
        count = logs.partitions.get(topic, 0)
        if label.partitions and count and label.partitions != count:
            return (
                f"topic {topic} has {count} partitions, but group {group} read it and keeps its "
                f"state in {label.partitions}: keys would go to other partitions than their state, "
                "and Kafka takes no partition back; re-key with `headwater migrate --partitions "
                f"{count} --into STORE`, which reads the source topics again into new topics"
            )
    return ""
