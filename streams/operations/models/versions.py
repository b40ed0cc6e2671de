"""Stored model versions: their history, their evidence and their content."""

from __future__ import annotations

import base64
from typing import Any, NamedTuple

import lz4.frame

from online_models.challengers.declaration import challenger_of, target_of
from online_models.credit.persistence import CREDIT
from online_models.hazard.persistence import load_hazard_scorer
from online_models.hazard.rules import HazardRules
from online_models.hazard.scorer import HazardScorer
from online_models.pairs.match_model import MATCHES
from online_models.persistence.envelope import Unusable
from online_models.targets.targets import VALUE, Target, Targets
from streams.errors import Stop
from streams.store.base import Store

OWN_LIBRARY = "headwater"

_NEWEST_LOG = """
log_epoch = (SELECT argMax(log_epoch, (inserted_at, log_offset)) FROM model_versions)
"""
"""A replay into the same store numbers its changes from 1 again: only the newest log counts."""

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
    """One change of state of a version: a row of `model_versions`."""

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
    """The present state of a version."""

    model: str
    version: str
    state: str
    is_live: bool
    is_held: bool
    contestant: str
    figures: dict[str, float]
    learned_at: str
    reason: str

    @property
    def positives(self) -> int | None:
        """Positives behind its figures; None: they are not among its evidence."""
        found = self.figures.get("positives")
        return None if found is None else int(found)

    @property
    def decision_interval(self) -> tuple[float, float] | None:
        """How far its log loss a row is above that of the champion, of the live version, of rates
        or of the rules, whichever it was compared with first; below 0 it is better. None: with
        nothing."""
        for reference in ("champion", "live", "rates", "rules"):
            ends = (f"loss_over_{reference}_{end}" for end in ("low", "high"))
            low, high = (self.figures.get(end) for end in ends)
            if low is not None and high is not None:
                return low, high
        return None

    def as_json(self, targets: Targets) -> dict[str, Any]:
        """With the class that learned it, and the library that the class is of."""
        learned_by = estimator_of(self.model, self.contestant, targets)
        return {
            **self._asdict(),
            "estimator": learned_by.estimator,
            "library": learned_by.library,
            "positives": self.positives,
            "decision_interval": self.decision_interval,
        }


class LearnedBy(NamedTuple):
    """The class or factory of an estimator, and its library; empty: it is not declared here."""

    estimator: str
    library: str


def estimator_of(model: str, challenger: str, targets: Targets) -> LearnedBy:
    """What learns the versions of a model. River challengers are looked up in the targets."""
    if model == CREDIT:
        return LearnedBy("online_models.credit.hazard", OWN_LIBRARY)
    if model == MATCHES:
        return LearnedBy("online_models.pairs.pair_classifier", OWN_LIBRARY)
    if model == VALUE:
        return LearnedBy("online_models.value.model", OWN_LIBRARY)
    if model.endswith("/rates"):
        return LearnedBy("online_models.scoring.shrunk_rates", OWN_LIBRARY)
    target = targets.target(target_of(model))
    for declared in target.challengers if target else ():
        if declared.name == challenger:
            is_river = declared.estimator.startswith("river.")
            library = "river" if is_river else declared.factory.partition(":")[0]
            return LearnedBy(declared.described, library)
    if challenger_of(model):
        return LearnedBy("", "")
    return LearnedBy("online_models.hazard.model", OWN_LIBRARY)


def changes(store: Store, model: str = "") -> list[StoredChange]:
    """The changes of one model, or of all, in the order of the log."""
    return [
        StoredChange(*row)._replace(is_held=bool(row[5]), figures=dict(row[9]))
        for row in store.query(_CHANGES, {"model": model}).rows
    ]


def listed(all_changes: list[StoredChange], newest: int) -> list[ListedVersion]:
    """The newest versions of every model, newest first, and the live one whatever its age.

    Of a model without a live version, a row with an empty version comes first.
    """
    found: list[ListedVersion] = []
    for model in dict.fromkeys(change.model for change in all_changes):
        own = [change for change in all_changes if change.model == model]
        live, is_held = own[-1].live_version, own[-1].is_held
        latest: dict[str, StoredChange] = {}
        evidence: dict[str, StoredChange] = {}
        for change in own:
            if change.version:
                latest.pop(change.version, None)
                latest[change.version] = change
                if change.figures:
                    evidence[change.version] = change
        if not live:
            latest[""] = own[-1]
        order = list(reversed(latest.values()))
        for rank, change in enumerate(order):
            is_live = change.version == live != ""
            if rank >= newest and not is_live:
                continue
            judged = evidence.get(change.version, change)
            version = ListedVersion(
                model=model,
                version=change.version,
                state=change.state,
                is_live=is_live,
                is_held=is_held and change.version == live,
                contestant=judged.contestant,
                figures=judged.figures,
                learned_at=judged.learned_at,
                reason=change.reason,
            )
            found.append(version)
    return found


def changes_of(store: Store, version: str) -> list[StoredChange]:
    """The history of a version, oldest first. Stop when no such version is stored."""
    found = [change for change in changes(store) if change.version == version]
    if not found:
        raise Stop(f"no model version {version!r} is stored; `headwater models list` shows them")
    return found


def content_of(store: Store, version: str) -> bytes | None:
    """The serialised scorer of a version; None when not all of its parts are stored."""
    rows: list[Any] = list(store.query(_CONTENT, {"version": version}).rows)
    if not rows or len(rows) != int(rows[0][2]):
        return None
    packed = b"".join(base64.b64decode(content) for _, _, _, content in rows)
    content: bytes = lz4.frame.decompress(packed)
    return content


def hazard_of(store: Store, target: Target, version: str) -> HazardScorer | Unusable:
    """The scorer of a stored version of a target."""
    content = content_of(store, version)
    if content is None:
        return Unusable(f"the content of {version} is not stored")
    return load_hazard_scorer(content, HazardRules(shape=target.shape, prior=target.prior))
