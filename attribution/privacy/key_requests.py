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
from attribution.matching.erasures import latest_ts, note_erasure
from attribution.matching.facts import MatchFact
from attribution.matching.touch_index import TouchIndex, touch_index_expires_at
from attribution.privacy.choices import PrivacyChoice, choices_from, note_choice
from attribution.rules.rules import Rules
from schemas.records import ChoiceSeen, Erased, ErasureSeen, LinksCut, app_of, scope_of
from schemas.time import LogMs

KeyIndex = TouchIndex | AccountState


def is_shared(known: KeyIndex, rules: Rules) -> bool:
    """Whether an id is of more people than the one who asks."""
    return known.shared.until > 0 or len(installs_of(known)) > rules.installs_per_request_max


def installs_of(known: KeyIndex) -> set[str]:
    """The different installs that are known under an id."""
    if isinstance(known, AccountState):
        return {one.install_id for one in known.links}
    return {one.install_id for one in known.installs if not one.is_session}


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
    state = state or AccountState()
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
    state = state or AccountState()
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
    if not index.choices or not (index.touches or index.installs):
        return None
    return touch_index_expires_at(replace(index, choices=[]), rules)


def forget_contents(index: TouchIndex, now: LogMs, rules: Rules) -> TouchIndex:
    """Of who has opted out nothing but that is remembered once touchpoints and installs would be
    forgotten of anybody else, or of who asked to be forgotten."""
    due = contents_due(index, rules)
    if due is None or due > now:
        return index
    return replace(index, touches=[], installs=[])


def account_expires_at(state: AccountState, rules: Rules) -> LogMs | None:
    """Log time from which an account may be forgotten that asked to be; None: never. Until then
    late refunds find the install that paid."""
    erased_ts, latest = latest_ts(state.erasures), max((one.ts for one in state.links), default=0)
    if not erased_ts or latest > erased_ts or state.placed or state.settled:
        return None
    chosen = state.choices[-1].ts + rules.choice_memory_ms if state.choices else 0
    return LogMs(max(erased_ts + rules.transaction_retention_ms, chosen))


def _choice_of(seen: ChoiceSeen) -> PrivacyChoice:
    return PrivacyChoice(seen.ts, seen.request_id, seen.is_refused)
