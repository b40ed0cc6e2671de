"""Which versions each model has, and which one is live: by gate, by promotion or by hand.

An order that rolls back or suspends a model holds it by hand: until it is resumed, versions that
pass their gate are kept but do not go live. All of it follows from the order of the log.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Literal, NamedTuple

from msgspec import Struct, structs

_VERSIONS_MAX = 24
"""Versions of a model that can be returned to: recent ones close together, older ones apart."""

VersionState = Literal[
    "published", "kept", "refused", "promoted", "lead", "rolled_back", "suspended", "resumed",
    "withdrawn", "learned_again", "quarantined", "ignored",
]  # fmt: skip


class KnownVersion(Struct, frozen=True, array_like=True, gc=False):
    """A version whose snapshot is kept."""

    version: str
    learned_offset: int
    """It has learned from examples before this offset only."""
    learned_time: int
    challenger: str
    chunks: int
    is_withdrawn: bool = False


class ModelHistory(Struct):
    """The versions of one model. `live` empty: none."""

    versions: list[KnownVersion] = []
    live: str = ""
    is_held: bool = False
    changes: int = 0  # number of the latest change


class VersionChange(NamedTuple):
    """A change of a model's versions; `live` is the version that scores from here on."""

    model: str
    version: str
    state: VersionState
    live: str
    reason: str = ""
    marks: bool = False
    """Whether partitions get a marker."""


class LogPosition(NamedTuple):
    """An offset in the log of examples, and its log time in ms."""

    offset: int
    time: int


class Registry:
    """The versions of all models. Methods that change one return the change."""

    def __init__(self, histories: dict[str, ModelHistory] | None = None) -> None:
        self.histories: dict[str, ModelHistory] = histories or {}

    def of(self, model: str) -> ModelHistory:
        """The history of a model, which is empty at first."""
        return self.histories.setdefault(model, ModelHistory())

    def known(self, model: str, version: str) -> KnownVersion | None:
        """The version, if it may go live as this model and was not withdrawn: challengers' too."""
        for name, history in self.histories.items():
            if name == model or name.startswith(f"{model}/challenger"):
                for known in history.versions:
                    if known.version == version and not known.is_withdrawn:
                        return known
        return None

    def publish(
        self, model: str, known: KnownVersion, state: VersionState = "published"
    ) -> VersionChange:
        """Let a version that passed its gate go live, or only keep it while the model is held."""
        history = self.of(model)
        history.versions = [one for one in history.versions if one.version != known.version]
        history.versions.append(known)
        if history.is_held:
            return VersionChange(
                model, known.version, "kept", history.live, "the model is held by hand"
            )
        history.live = known.version
        return VersionChange(model, known.version, state, known.version, marks=True)

    def keep(self, model: str, known: KnownVersion) -> VersionChange:
        """Keep a version to promote later: no partition scores with this model."""
        history = self.of(model)
        history.versions = [one for one in history.versions if one.version != known.version]
        history.versions.append(known)
        return VersionChange(model, known.version, "kept", "", "a challenger, in the shadow")

    def suspend_shadow(self, model: str, version: str, reason: str) -> VersionChange:
        """Note that a model that no partition scores with does not learn any more."""
        return VersionChange(model, version, "suspended", "", reason)

    def refuse(
        self, model: str, version: str, reason: str, *, suspends: bool
    ) -> list[VersionChange]:
        """Note a version that failed its gate. `suspends`: the live one goes too, unless held."""
        history = self.of(model)
        changes = [VersionChange(model, version, "refused", history.live, reason)]
        if suspends and history.live and not history.is_held:
            history.live = ""
            worse = "it is shown worse than rates, or than one rate for all"
            changes.append(VersionChange(model, version, "suspended", "", worse, marks=True))
        return changes

    def promote(self, model: str, version: str, *, holds: bool) -> VersionChange:
        """Let this version score from here on. `holds`: until the model is resumed."""
        if self.known(model, version) is None:
            return self._ignored(model, version, "there is no such version to return to")
        history = self.of(model)
        history.live, history.is_held = version, holds
        return VersionChange(model, version, "promoted", version, marks=True)

    def roll_back(self, model: str, version: str = "") -> VersionChange:
        """Go back to this version, or to the one before the live one, and hold the model."""
        history = self.of(model)
        target = version or self._before_live(history)
        if not target or self.known(model, target) is None:
            return self._ignored(model, version, "there is no such version to return to")
        history.live, history.is_held = target, True
        return VersionChange(model, target, "rolled_back", target, marks=True)

    def suspend(self, model: str) -> VersionChange:
        """Let no version of the model score, and hold it."""
        history = self.of(model)
        history.live, history.is_held = "", True
        return VersionChange(model, "", "suspended", "", "by hand", marks=True)

    def resume(self, model: str) -> VersionChange:
        """Let versions that pass their gate go live again, beginning with the newest."""
        history = self.of(model)
        history.is_held = False
        history.live = _newest(history)
        return VersionChange(model, history.live, "resumed", history.live, marks=True)

    def withdraw_from(self, first_offset: int, spared: Collection[str]) -> list[VersionChange]:
        """Withdraw the versions that may have learned from this offset on; a live one falls back
        to the newest that is left. `spared`: models that learn from other kinds of records."""
        changes = []
        for model, history in self.histories.items():
            if model in spared:
                continue
            withdrawn = {
                one.version for one in history.versions if one.learned_offset > first_offset
            }
            if not withdrawn:
                continue
            history.versions = [
                structs.replace(one, is_withdrawn=True) if one.version in withdrawn else one
                for one in history.versions
            ]
            fell = history.live in withdrawn
            if fell:
                history.live = _newest(history)
            reason = f"{len(withdrawn)} versions had learned from what is in quarantine"
            changes.append(
                VersionChange(model, history.live, "withdrawn", history.live, reason, marks=fell)
            )
        return changes

    def drop_surplus(self, model: str) -> list[KnownVersion]:
        """Drop and return versions beyond the bound, whose snapshots may go; never a live one."""
        history = self.of(model)
        live = {one.live for one in self.histories.values()}
        gone = []
        while len(history.versions) > _VERSIONS_MAX:
            spare = [n for n, one in enumerate(history.versions) if one.version not in live]
            withdrawn = [n for n in spare if history.versions[n].is_withdrawn]
            times = [one.learned_time for one in history.versions]
            gone.append(history.versions.pop((withdrawn or [most_redundant(times, spare)])[0]))
        return gone

    def _before_live(self, history: ModelHistory) -> str:
        usable = [one.version for one in history.versions if not one.is_withdrawn]
        if history.live in usable:
            at = usable.index(history.live)
            return usable[at - 1] if at else ""
        return usable[-1] if usable else ""

    def _ignored(self, model: str, version: str, reason: str) -> VersionChange:
        return VersionChange(model, version, "ignored", self.of(model).live, reason)


def most_redundant(times: Sequence[int], spare: Sequence[int]) -> int:
    """Of the indices `spare`, the one whose neighbours are closest for their age: without it, the
    least of the past is lost. The oldest and the newest only when there is no other."""
    last = len(times) - 1

    def gap(number: int) -> float:
        if not 0 < number < last:
            return math.inf
        return (times[number + 1] - times[number - 1] + 1) / (times[last] - times[number] + 1)

    return min(spare, key=gap)


def _newest(history: ModelHistory) -> str:
    usable = [one.version for one in history.versions if not one.is_withdrawn]
    return usable[-1] if usable else ""
