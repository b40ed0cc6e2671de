"""How many dead letters there are and why, and which keys lack what was quarantined."""

from __future__ import annotations

from typing import NamedTuple

from streams.operations.dead_letters.chosen import WITH_BYTES
from streams.settings import Settings
from streams.wiring.store import stored

KEYS_LISTED_MAX = 200
"""Quarantined keys that are listed, the latest first: `v_quarantined` has all."""

_BY_REASON = f"""
SELECT source_topic, reason, uniqExact(log_epoch, source_partition, source_offset) AS messages,
    argMin(detail, (received_at, source_partition, source_offset)) AS example,
    uniqExactIf((log_epoch, source_partition, source_offset), NOT ({WITH_BYTES})) AS dropped
FROM dead_letters GROUP BY source_topic, reason ORDER BY messages DESC, source_topic, reason
"""
_KEYS = f"""
SELECT state_key, app_id, install_id, stage, kind, error, quarantined
FROM v_quarantined ORDER BY last_seen DESC, state_key, stage, kind, error LIMIT {KEYS_LISTED_MAX}
"""


class DeadLetterKind(NamedTuple):
    """The dead letters of one topic and reason."""

    topic: str
    reason: str
    messages: int
    example: str
    dropped: int  # those whose bytes an operator dropped


class QuarantinedKey(NamedTuple):
    """A key whose state lacks what was set aside."""

    key: str
    app: str
    install: str
    stage: str
    kind: str
    error: str
    records: int


def count_by_reason(settings: Settings) -> list[DeadLetterKind]:
    """Dead letters by topic and reason, the most frequent first."""
    with stored(settings) as store:
        return [DeadLetterKind(*row) for row in store.query(_BY_REASON).rows]


def quarantined_keys(settings: Settings) -> list[QuarantinedKey]:
    """The keys that lack something, the latest first."""
    with stored(settings) as store:
        return [QuarantinedKey(*row) for row in store.query(_KEYS).rows]
