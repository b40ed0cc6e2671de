"""Installs that were erased by a request which names another of their keys.

A request reaches matching under the keys that it names, and a journey under all of them: so the
journey of an erased install tells every other key under which it is known. There the install is
forgotten once no record of before can count any more, and so are the touchpoints that only it can
have had; what is logged later begins anew. Nobody else is erased: on a tablet that several people
use, the installs of the others stay; under an id of more people than one, or a network, that they
had in common nothing but the entry of the install goes.
"""

from __future__ import annotations

from bisect import insort

from msgspec.structs import replace

from attribution.matching.account_state import AccountState, Link
from attribution.matching.erasures import ErasedInstall, latest_ts
from attribution.matching.facts import Evicted, MatchFact
from attribution.matching.relevance import IndexedInstall
from attribution.matching.sampled_paths import NOT_WATCHED
from attribution.matching.touch_index import TouchIndex, named_click
from attribution.privacy.shared_identity import is_shared
from attribution.rules.rules import Rules
from schemas.records import InstallErased, LinksCut, Signal, scope_of
from schemas.time import MILLISECOND, LogMs

_OF_ONE_DEVICE = frozenset({Signal.REFERRER, Signal.CLICK_ID, Signal.DEVICE_ID, Signal.WITHHELD})


def erase_install(
    index: TouchIndex | None, seen: InstallErased, rules: Rules
) -> tuple[TouchIndex | None, list[MatchFact]]:
    """Take the erasure of an install that is known under a key, and cut what is logged later off
    from what was logged before."""
    mine = [] if index is None else [one for one in index.installs if _is_of(one, seen)]
    if index is None or not mine:
        return index, []
    is_evidence = not seen.is_late and any(_is_evidence(one) for one in mine)
    is_cut = is_evidence and not is_shared(index, rules)
    new = ErasedInstall(seen.ts, seen.install_id, is_cut)
    if new in index.erased:
        return index, []
    erased = list(index.erased)
    insort(erased, new)
    facts: list[MatchFact] = []
    if is_cut:
        scope, click = scope_of(seen.key), named_click(seen.key)
        facts = [
            LinksCut(one.install_id, seen.ts, *scope, click)
            for one in index.installs
            if one.ts > seen.ts and not one.is_session
        ]
    if (surplus := len(erased) - rules.erasures_per_key_max) > 0:
        facts.append(Evicted("erasures_per_key_max", surplus))
        index = _without(index, erased[:surplus])
        erased = erased[surplus:]
    return replace(index, erased=erased), facts


def _is_of(install: IndexedInstall, seen: InstallErased) -> bool:
    logged = install.since if install.is_session else install.ts
    return install.install_id == seen.install_id and logged <= seen.ts


def _is_evidence(install: IndexedInstall) -> bool:
    """Whether the key is of the device of the install, or of the one click that it names."""
    return not install.is_session and install.signal in _OF_ONE_DEVICE


def _without(index: TouchIndex, erased: list[ErasedInstall]) -> TouchIndex:
    """The index without these installs, and without what only they can have had."""
    until = {one.install_id: one.ts for one in erased if one.install_id}
    cut = max((one.ts for one in erased if one.is_cut), default=LogMs(0))
    return replace(
        index,
        touches=[one for one in index.touches if one.ts > cut],
        installs=[one for one in index.installs if one.ts > until.get(one.install_id, 0)],
    )


def erased_due(index: TouchIndex, rules: Rules) -> LogMs | None:
    """Log time at which `forget_erased` has something to forget; None: never."""
    first = next((one.ts for one in index.erased if one.install_id), None)
    return None if first is None else LogMs(first + _counted_for(index, rules) + MILLISECOND)


def _counted_for(index: TouchIndex, rules: Rules) -> int:
    """How long after an erasure what was logged before may still count. A sampled path is told
    without a name, in whatever order the erasure and its end are read."""
    is_sampled = index.watched_until != NOT_WATCHED
    return rules.late_ms_max + is_sampled * rules.watch_window_ms


def forget_erased(index: TouchIndex, now: LogMs, rules: Rules) -> TouchIndex:
    """Forget the erased installs of which no record can count any more at log time `now`."""
    before = now - _counted_for(index, rules)
    gone = [one for one in index.erased if one.install_id and one.ts < before]
    if not gone:
        return index
    kept = {(one.ts, one.is_cut) for one in gone if one.is_cut}
    erased = [one for one in index.erased if one not in gone]
    erased += [ErasedInstall(ts, "", is_cut) for ts, is_cut in kept]
    return replace(_without(index, gone), erased=sorted(erased))


def touch_index_expires_at(index: TouchIndex, rules: Rules) -> LogMs:
    """Log time from which nothing in the index can matter any more, so that it may be forgotten."""
    rest = _without(index, index.erased) if index.erased else index
    if index.erased and not (rest.touches or rest.installs or rest.choices):
        return LogMs(
            max(index.erased[-1].ts, latest_ts(index.erasures)) + _counted_for(index, rules)
        )
    touched = installed = LogMs(0)
    memory = rules.late_ms_max
    for touch in rest.touches:
        if touch.ts > touched:
            touched = touch.ts
    for install in rest.installs:
        if install.ts > installed:
            installed = install.ts
        if install.signal in (Signal.DEVICE_ID, Signal.WITHHELD):
            memory = rules.install_memory_ms
    erased_ts, latest = latest_ts(rest.erasures), max(touched, installed)
    if erased_ts and erased_ts >= latest:
        expires = LogMs(erased_ts + rules.late_ms_max)
    else:
        kept = touched + rules.touch_retention_ms, installed + memory + rules.late_ms_max
        expires = LogMs(max(kept))
    if not rest.choices:
        return expires
    last = max(latest, erased_ts, rest.choices[-1].ts)
    return LogMs(max(expires, last + rules.choice_memory_ms))


def erase_linked(
    state: AccountState | None, seen: InstallErased, rules: Rules
) -> tuple[AccountState | None, list[MatchFact]]:
    """Take the erasure of an install that is linked with an account."""
    if state is None or not any(one.install_id == seen.install_id for one in state.links):
        return state, []
    new = ErasedInstall(seen.ts, seen.install_id, False)
    if new in state.erased:
        return state, []
    erased = list(state.erased)
    insort(erased, new)
    if (surplus := len(erased) - rules.links_per_account_max) <= 0:
        return replace(state, erased=erased), []
    return replace(state, erased=erased[surplus:]), [Evicted("links_per_account_max", surplus)]


def account_expires_at(state: AccountState, rules: Rules) -> LogMs | None:
    """Log time from which an account may be forgotten that asked to be, or whose installs were all
    erased; None: never. One that has had money of its own is kept for as long as refunds of it may
    come and have to find the install that paid."""
    if state.placed or state.settled:
        return None
    asked, until = latest_ts(state.erasures), {one.install_id: one.ts for one in state.erased}
    if not (asked or until) or any(_is_kept(one, asked, until) for one in state.links):
        return None
    last = max(asked, *until.values(), LogMs(0))
    memory = rules.late_ms_max if state.is_without_money else rules.transaction_retention_ms
    chosen = state.choices[-1].ts + rules.choice_memory_ms if state.choices else 0
    return LogMs(max(last + memory, chosen))


def _is_kept(link: Link, asked: LogMs, until: dict[str, LogMs]) -> bool:
    return link.ts > max(asked, until.get(link.install_id, 0))
