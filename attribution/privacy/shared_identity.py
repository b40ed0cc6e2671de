"""Whether an id is of more people than the one who asks."""

from __future__ import annotations

from attribution.matching.account_state import AccountState
from attribution.matching.touch_index import TouchIndex
from attribution.rules.rules import Rules

KeyIndex = TouchIndex | AccountState


def is_shared(known: KeyIndex, rules: Rules) -> bool:
    """Whether an id is of more people than the one who asks."""
    return known.shared.until > 0 or len(installs_of(known)) > rules.installs_per_request_max


def installs_of(known: KeyIndex) -> set[str]:
    """The different installs that are known under an id."""
    if isinstance(known, AccountState):
        return {one.install_id for one in known.links}
    return {one.install_id for one in known.installs if not one.is_session}
