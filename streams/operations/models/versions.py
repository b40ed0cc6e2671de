"""What is stored of model versions: which there are, what became of each, what is in them."""

from __future__ import annotations

import base64
from typing import Any, NamedTuple

import lz4.frame

from online_models.hazard.persistence import load_hazard_scorer
from online_models.hazard.rules import HazardRules
from online_models.hazard.scorer import HazardScorer
from online_models.persistence.envelope import Unusable
from online_models.targets.targets import Target
from streams.errors import Stop
from streams.store.base import Store

_NEWEST_LOG = """
log_epoch = (SELECT argMax(log_epoch, (inserted_at, log_offset)) FROM model_versions)
"""
"""A replay into the same store numbers its changes anew; only the newest log counts."""

_CHANGES = f"""
SELECT model, number, version, toString(state), live_version, is_held, toString(contestant),
    parent, reason, figures, learned_offset, toString(learned_at), command_id
FROM model_versions
WHERE {_NEWEST_LOG} AND ({{model}} = '' OR model = {{model}})
ORDER BY model, number
LIMIT 1 BY model, number
"""
_CONTENT = """
SELECT model, chunk, chunks, content FROM model_contents WHERE version = {version}
ORDER BY chunk LIMIT 1 BY chunk
"""


class StoredChange(NamedTuple):
    """One row of `model_versions`."""

    model: str
    number: int
    version: str
    state: str
    live_version: str
    is_held: bool
    contestant: str
    parent: str
    reason: str
    figures: dict[str, float]
    learned_offset: int
    learned_at: str
    command_id: str


class ListedVersion(NamedTuple):
    """A version as it is by now."""

    model: str
    version: str
    state: str
    is_live: bool
    is_held: bool
    contestant: str
    figures: dict[str, float]
    learned_at: str
    reason: str


def changes(store: Store, model: str = "") -> list[StoredChange]:
    """Of one model or of all, in order."""
    return [
        StoredChange(*row)._replace(is_held=bool(row[5]), figures=dict(row[9]))
        for row in store.query(_CHANGES, {"model": model}).rows
    ]


def listed(all_changes: list[StoredChange], newest: int) -> list[ListedVersion]:
    """The newest versions of every model, newest first, and the live one whatever its age. One
    without a name stands for a model of which nothing is live."""
    found: list[ListedVersion] = []
    for model in dict.fromkeys(one.model for one in all_changes):
        own = [one for one in all_changes if one.model == model]
        live, is_held = own[-1].live_version, own[-1].is_held
        latest: dict[str, StoredChange] = {}
        evidence: dict[str, StoredChange] = {}
        for one in own:
            if one.version:
                latest.pop(one.version, None)
                latest[one.version] = one
                if one.figures:
                    evidence[one.version] = one
        if not live:
            latest[""] = own[-1]
        order = list(reversed(latest.values()))
        for place, one in enumerate(order):
            is_live = one.version == live != ""
            if place >= newest and not is_live:
                continue
            told = evidence.get(one.version, one)
            listed_one = ListedVersion(
                model=model,
                version=one.version,
                state=one.state,
                is_live=is_live,
                is_held=is_held and one.version == live,
                contestant=told.contestant,
                figures=told.figures,
                learned_at=told.learned_at,
                reason=one.reason,
            )
            found.append(listed_one)
    return found


def changes_of(store: Store, version: str) -> list[StoredChange]:
    """Stop when there is no such version."""
    found = [one for one in changes(store) if one.version == version]
    if not found:
        raise Stop(f"no model version {version!r} is stored; `headwater models list` shows them")
    return found


def content_of(store: Store, version: str) -> bytes | None:
    """The version as it scores; None when it is not stored whole."""
    rows: list[Any] = list(store.query(_CONTENT, {"version": version}).rows)
    if not rows or len(rows) != int(rows[0][2]):
        return None
    packed = b"".join(base64.b64decode(content) for _, _, _, content in rows)
    content: bytes = lz4.frame.decompress(packed)
    return content


def hazard_of(store: Store, target: Target, version: str) -> HazardScorer | Unusable:
    """A stored version of a target as it scores."""
    content = content_of(store, version)
    if content is None:
        return Unusable(f"the content of {version} is not stored")
    return load_hazard_scorer(content, HazardRules(shape=target.shape, prior=target.prior))
