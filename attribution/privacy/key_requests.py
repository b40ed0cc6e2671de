"""Privacy requests under a match key: whom they concern, and whom they must not.

An id that more installs are known under than one person has (`installs_per_request_max`), or that
was too busy once to be evidence (see `shared_keys`), is of more people than the one who asks: a
test device, a shop's tablet, a placeholder that no list knows. A request by it concerns nobody, and
its receipt says `shared_identity`: the person can name the install or another id. The few installs
of a family's tablet are forgotten together, because nothing tells its people apart.
"""

from __future__ import annotations

from msgspec.structs import replace

from attribution.matching.account_state import AccountState
from attribution.matching.erasures import note_erasure
from attribution.matching.facts import MatchFact
from attribution.matching.touch_index import TouchIndex
from attribution.privacy.choices import PrivacyChoice, choices_from, note_choice
from attribution.privacy.erased_installs import (
    erased_due,
    forget_erased,
    touch_index_expires_at,
)
from attribution.privacy.shared_identity import KeyIndex, is_shared
from attribution.rules.rules import Rules
from schemas.records import ChoiceSeen, Erased, ErasureSeen, LinksCut, app_of, scope_of
from schemas.time import LogMs


def is_answered_before(known: KeyIndex, seen: ErasureSeen | ChoiceSeen) -> bool:
    """Whether this very request was logged before: a copy of it concerns nobody else."""
    made = known.erasures if isinstance(seen, ErasureSeen) else known.choices
    return any(one.request_id == seen.request_id and one.ts < seen.ts for one in made)


def erase_key(
    index: TouchIndex | None, seen: ErasureSeen, rules: Rules
) -> tuple[TouchIndex, list[MatchFact]]:
    """Take an erasure request; report it to every install logged before, and cut the later
    ones off from those."""
    index = index or TouchIndex()
    if is_shared(index, rules) or is_answered_before(index, seen):
        return index, []
    scope = scope_of(seen.key)
    erasures, evicted = note_erasure(index.erasures, seen, rules)
    facts: list[MatchFact] = [
        Erased(install.install_id, seen.request_id, seen.ts, *scope)
        for install in index.installs
        if install.ts <= seen.ts
    ]
    facts += [
        LinksCut(install.install_id, seen.ts, *scope)
        for install in index.installs
        if install.ts > seen.ts and not install.is_session
    ]
    return replace(index, erasures=erasures), facts + evicted


def erase_account(
    state: AccountState | None, seen: ErasureSeen, rules: Rules
) -> tuple[AccountState, list[MatchFact]]:
    """Take an erasure request of the account; report it to every install linked before."""
    state = state or AccountState(is_without_money=True)
    if is_shared(state, rules) or is_answered_before(state, seen):
        return state, []
    erasures, evicted = note_erasure(state.erasures, seen, rules)
    linked = {(link.install_id, link.is_sandbox) for link in state.links if link.ts <= seen.ts}
    app_id = app_of(seen.key)
    facts: list[MatchFact] = [
        Erased(name, seen.request_id, seen.ts, app_id, is_sandbox)
        for name, is_sandbox in sorted(linked)
    ]
    return replace(state, erasures=erasures), facts + evicted


def choose_by_key(
    index: TouchIndex | None, seen: ChoiceSeen, rules: Rules
) -> tuple[TouchIndex, list[MatchFact]]:
    """Take an opt-out of the user of a device; report it to every install known under the id."""
    index = index or TouchIndex()
    if is_shared(index, rules):
        return index, []
    choices, evicted = note_choice(index.choices, _choice_of(seen), rules)
    scope, facts = scope_of(seen.key), list[MatchFact]()
    for install in index.installs:
        if not install.is_session:
            facts += choices_from(choices, install.install_id, scope)
    return replace(index, choices=choices), facts + evicted


def choose_by_account(
    state: AccountState | None, seen: ChoiceSeen, rules: Rules
) -> tuple[AccountState, list[MatchFact]]:
    """Take an opt-out of an account; report it to every install that is linked with it."""
    state = state or AccountState(is_without_money=True)
    if is_shared(state, rules):
        return state, []
    choices, evicted = note_choice(state.choices, _choice_of(seen), rules)
    app_id, facts = app_of(seen.key), list[MatchFact]()
    for link in state.links:
        scope = app_id, link.is_sandbox
        facts += choices_from(choices, link.install_id, scope, link.ts)
    return replace(state, choices=choices), facts + evicted


def contents_due(index: TouchIndex, rules: Rules) -> LogMs | None:
    """Log time at which `forget_contents` has something to forget; None: never.

    Without an opt-out the whole index is forgotten then (`touch_index_expires_at`), and what was
    chosen is remembered for longer than touchpoints and installs may be."""
    due = erased_due(index, rules) if index.erased else None
    if not index.choices or not (index.touches or index.installs):
        return due
    forgotten = touch_index_expires_at(replace(index, choices=[]), rules)
    return forgotten if due is None else min(due, forgotten)


def forget_contents(index: TouchIndex, now: LogMs, rules: Rules) -> TouchIndex:
    """Forget erased installs, and of who has opted out nothing but that is remembered once
    touchpoints and installs would be forgotten of anybody else, or of who asked to be forgotten."""
    if index.erased:
        index = forget_erased(index, now, rules)
    if not index.choices or not (index.touches or index.installs):
        return index
    if touch_index_expires_at(replace(index, choices=[]), rules) > now:
        return index
    return replace(index, touches=[], installs=[])


def _choice_of(seen: ChoiceSeen) -> PrivacyChoice:
    return PrivacyChoice(seen.ts, seen.request_id, seen.is_refused)
