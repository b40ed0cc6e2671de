"""Installs of erased people, kept under a keyed hash of their name.

The state of such an install is moved, in the checkpoint in which its erasure is carried out: the
key that names it is deleted, from the changelog too, and the new one is a keyed hash of the old
one. A record that names the install finds it by the hash, and is applied as one of an install that
has a hash for its id. A build that knows nothing of that takes the install for unknown: late money
waits for it, and expires.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from attribution.journey.closed_journey import (
    KeyedHashes,
    closed_install,
    closed_journey,
    closed_life,
    is_closable,
)
from online_models.scoring.prospects import CLOSED_PROSPECT
from schemas.records import (
    SANDBOX_SCOPE,
    Erased,
    Installed,
    JourneyRecord,
    ModelMarker,
    Money,
    MoneyRouted,
    OrderGiven,
    journey_key,
    life_key,
)
from schemas.records.site import KEY_SEPARATOR
from streams.stages.common.pseudonyms import AnonymousIds, is_anonymous_text
from streams.stages.common.working_set import WorkingSet
from streams.stages.journeys.states.install_state import NEW_INSTALL, InstallState

_HASH_BYTES = 7
_KEY = "j:"


class ClosedInstall:
    """One erased install: where it is kept, and how its names are hashed."""

    def __init__(self, name: str, ids: AnonymousIds) -> None:
        scope = SANDBOX_SCOPE if name.startswith(SANDBOX_SCOPE) else ""
        self.name = f"{scope}{_KEY}{ids.of(name)}"
        self.hashes = KeyedHashes(ids.of, lambda known: _keyed(ids.key, known))

    def of_record(self, record: JourneyRecord) -> JourneyRecord:
        """The record as one of an install that has a hash for its id."""
        if isinstance(record, Installed):
            return self.of_install(record)
        assert not isinstance(record, ModelMarker | OrderGiven)
        return replace(record, install_id=self.hashes.of_id(record.install_id))

    def of_install(self, opened: Installed) -> Installed:
        """A first open without names, to be compared with those known."""
        return closed_install(opened, self.hashes)

    def of_state(self, state: InstallState) -> InstallState:
        """The state without names."""
        return replace(
            state,
            journey=closed_journey(state.journey, self.hashes),
            prospect=CLOSED_PROSPECT,
            claim=None,
            lives=[closed_life(one, self.hashes) for one in state.lives],
        )


class ClosedInstalls:
    """The erased installs among the states of one decision. `secrets`: the hashes in force first,
    then those of the secret before."""

    def __init__(self, states: WorkingSet[InstallState], secrets: Sequence[AnonymousIds]) -> None:
        self._states = states
        self._secrets = secrets
        self._known: dict[str, list[ClosedInstall]] = {}

    def load(self, names: Iterable[str]) -> None:
        """Read at once whatever is kept of these journeys, which are not known by their names."""
        if self._secrets:
            keys = [one.name.encode() for name in names for one in self._of(name)]
            self._states.load(keys)

    def known(self, name: str, record: JourneyRecord) -> tuple[InstallState, ClosedInstall | None]:
        """What is known of the install that a record names, and where, if it was erased."""
        state = self._states.get(name.encode())
        if state is not None:
            return state, None
        for closed in self._of(name):
            state = self._states.get(closed.name.encode())
            if state is None:
                continue
            if state.journey.install is None and not isinstance(record, Erased):
                # Nothing but the request was known, and now there is more.
                self._states.put(name.encode(), state)
                self._states.put(closed.name.encode(), None)
                return state, None
            return state, closed
        return NEW_INSTALL, None

    def addressed(
        self, name: str, closed: ClosedInstall | None, opening: int, part: JourneyRecord
    ) -> tuple[bytes, JourneyRecord]:
        """The key of a life, and a record for it, which names nobody where the life was erased.
        `closed`: where the life is kept that was logged first."""
        key = life_key(name, opening)
        if opening and closed is not None:
            closed = None if self._states.get(key) is not None else self._life(name, opening)
        if closed is None:
            return key, part
        is_new = isinstance(part, MoneyRouted) and self._is_of_return(name, closed, part.money)
        return life_key(closed.name, opening), part if is_new else closed.of_record(part)

    def _life(self, name: str, opening: int) -> ClosedInstall | None:
        """Where a later life is kept that was erased."""
        for closed in self._of(name):
            if self._states.get(life_key(closed.name, opening)) is not None:
                return closed
        return None

    def _is_of_return(self, name: str, closed: ClosedInstall, money: Money) -> bool:
        """Whether money was made in a life that began after the erasure."""
        first = self._states.get(closed.name.encode())
        lives = first.lives if first is not None else ()
        begun = [one for one in lives if one.time <= money.time]
        return any(self._states.get(life_key(name, one.opening)) is not None for one in begun)

    def put(self, key: bytes, state: InstallState) -> None:
        """Keep a state: under its name, or without it once nothing of it needs one."""
        if not self._secrets or not is_closable(state.journey) or _is_closed(key):
            self._states.put(key, state)
            return
        name, opening = _split(key, state)
        closed = ClosedInstall(name, self._secrets[0])
        self._states.put(key, None)
        self._states.put(life_key(closed.name, opening), closed.of_state(state))

    def _of(self, name: str) -> list[ClosedInstall]:
        found = self._known.get(name)
        if found is None:
            found = self._known[name] = [ClosedInstall(name, ids) for ids in self._secrets]
        return found


def _is_closed(key: bytes) -> bool:
    text = key.decode().removeprefix(SANDBOX_SCOPE).removeprefix(_KEY)
    # An app id may begin like a hash. A key with a name has a colon behind it.
    return is_anonymous_text(text) is not None and ":" not in text


def _split(key: bytes, state: InstallState) -> tuple[str, int]:
    """The name of a journey, and which life of it this is."""
    install = state.journey.install
    if install is None:
        return key.decode(), 0
    name = journey_key(install.app_id, install.install_id, is_sandbox=install.is_sandbox)
    if key == name.encode():
        return name, 0
    return name, int(key.decode().rpartition(KEY_SEPARATOR)[2], 16)


def _keyed(key: bytes, known: int) -> int:
    digest = hmac.digest(key, known.to_bytes(8), hashlib.sha256)
    return int.from_bytes(digest[:_HASH_BYTES])
