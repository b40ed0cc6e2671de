"""The touch index: touchpoints and installs under one match key (a click id, device id or network).

Whichever arrives first is remembered, so a pair is found in any order. The index sends a journey
every touchpoint that could matter to it, and earlier installs on the same device; the journey
decides.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from attribution.bounds.fair_share import touches_within_bounds
from attribution.matching import sampled_paths
from attribution.matching.erasures import (
    ErasedInstall,
    Erasure,
    asked_after,
    cut_at,
    is_cut_between,
    latest_ts,
    with_cuts,
)
from attribution.matching.facts import KeyShared, MatchFact, Settled
from attribution.matching.relevance import (
    IndexedInstall,
    as_prior,
    could_follow,
    could_matter,
    known_install,
    touch_order,
    with_install,
)  # fmt: skip
from attribution.matching.sampled_paths import NOT_WATCHED, watched_from
from attribution.matching.shared_keys import NEVER_SHARED, SharedPeriod, shared_period
from attribution.privacy.choices import PrivacyChoice, choices_from, is_refused_at
from attribution.rules.rules import Rules
from schemas.records import (
    FOR_REQUESTS,
    NAMED_BY_SESSION,
    NOT_ASKED,
    SANDBOX_SCOPE,
    Candidates,
    InstallSeen,
    LinksCut,
    Prior,
    Signal,
    Touch,
    TouchSeen,
    scope_of,
)
from schemas.time import DAY_MS, EventMs, LogMs

CLICK_PREFIX = "c:"
"""How the keys of clicks begin."""


class TouchIndex(Struct, frozen=True, array_like=True, tag=1):
    """State of one match key. Touchpoints and installs are in order of (time, id)."""

    touches: list[Touch] = []
    installs: list[IndexedInstall] = []
    erasures: list[Erasure] = []
    watched_until: EventMs = NOT_WATCHED  # sampled paths are reported up to here
    shared: SharedPeriod = NEVER_SHARED
    choices: list[PrivacyChoice] = []  # of the person, in order of log time
    erased: list[ErasedInstall] = []  # by requests that name other keys, in order of log time

    @property
    def cuts(self) -> list[Erasure]:
        """After whom nobody is linked to what was logged before."""
        return with_cuts(self.erasures, self.erased) if self.erased else self.erasures


IndexStep = tuple[TouchIndex, list[MatchFact]]


def index_touch(index: TouchIndex | None, seen: TouchSeen, rules: Rules) -> IndexStep:
    """Add a touchpoint; send it to every install under the key that it could matter to, and on to
    the keys that only its first copy may have."""
    touch, (kind, name) = seen.touch, seen.touch.identity
    facts: list[MatchFact] = [Settled(seen.source, "decided")] if seen.is_home else []
    facts += [TouchSeen(key, touch, seen.source, False) for key in seen.more]
    if index is None:
        return TouchIndex([touch], watched_until=watched_from(seen.key, rules)), facts
    if any(known.event_id == name and known.kind == kind for known in index.touches):
        return index, [Settled(seen.source, "duplicate")] if seen.is_home else []
    cuts = index.cuts
    facts += [
        _found(seen.key, install, [touch])
        for install in index.installs
        if could_matter(touch, install, rules)
        and not (cuts and touch.ts <= cut_at(cuts, install.ts))
        and not (index.shared.until and _is_ignored(index, touch, install))
    ]
    touches = sorted([*index.touches, touch], key=touch_order)
    touches, evicted = touches_within_bounds(touches, touch.ts, rules)
    return replace(index, touches=touches), facts + evicted


def index_install(index: TouchIndex | None, seen: InstallSeen, rules: Rules) -> IndexStep:
    """Answer the lookup of an install, and remember it for touchpoints that arrive later."""
    index = index or TouchIndex(watched_until=watched_from(seen.key, rules))
    if seen.ordinal == NOT_ASKED:
        return _index_session(index, seen, rules)
    named = seen.install_id, seen.signal, seen.time, seen.ts
    # A repeat is answered as the first one was, so that it changes nothing.
    known = known_install(index.installs, seen, is_session=False)
    install = known or IndexedInstall(*named, opening=seen.opening, device_ids=seen.device_ids)
    if len(index.installs) >= rules.installs_per_key_day_max:
        index = _noting_shared(index, install, rules)
    if seen.ordinal == FOR_REQUESTS:
        return _index_withheld(index, install, seen, rules)
    if index.shared.covers(install.ts):
        return _index_ignored(index, install, seen, rules)
    since = cut_at(cuts := index.cuts, install.ts)
    touches = _touches_for(index, install, since, rules)
    others = [
        one
        for one in index.installs
        if one.install_id != seen.install_id
        and not is_cut_between(cuts, one.ts, install.ts)
        and not index.shared.covers(one.ts)
    ]
    priors = [as_prior(one) for one in others if could_follow(one, install, rules)]
    scope = scope_of(seen.key)
    # What the person has refused is known before the answer, which may complete the decision.
    facts: list[MatchFact] = [
        *choices_from(index.choices, seen.install_id, scope),
        _answer(install, seen.ordinal, touches, priors, scope),
    ]
    if (erasure := asked_after(index.erasures, install.ts)) is not None:
        facts.append(erasure.of(seen.install_id, scope))
    if since:
        # Its other device ids know nothing of the request, so the journey has to.
        facts.append(LinksCut(seen.install_id, since, *scope, named_click(seen.key)))
    if known is not None:
        return index, facts
    facts += [
        _answer(one, NOT_ASKED, [], [as_prior(install)], scope)
        for one in others
        if could_follow(install, one, rules)
    ]
    index, evicted = _with_install(index, install, rules)
    return index, facts + evicted


def named_click(key: str) -> str:
    """The click id of a key of clicks; empty: it is a key of something else."""
    name = key.removeprefix(SANDBOX_SCOPE)
    return name.split(":", 2)[2] if name.startswith(CLICK_PREFIX) else ""


def _touches_for(
    index: TouchIndex, install: IndexedInstall, since: LogMs, rules: Rules
) -> list[Touch]:
    return [
        touch
        for touch in index.touches
        if touch.ts > since
        and could_matter(touch, install, rules)
        and not index.shared.covers(touch.ts)
    ]


def _noting_shared(index: TouchIndex, install: IndexedInstall, rules: Rules) -> TouchIndex:
    """Note that the key met another install; many share a network, so that counts no installs."""
    if install.signal is Signal.PROBABILISTIC:
        return index
    met = [(one.install_id, one.ts) for one in [*index.installs, install] if not one.is_session]
    limit = rules.installs_per_key_day_max
    shared = shared_period(index.shared, met, limit, rules.shared_key_rest_ms)
    return replace(index, shared=shared) if shared != index.shared else index


def _index_ignored(
    index: TouchIndex, install: IndexedInstall, seen: InstallSeen, rules: Rules
) -> IndexStep:
    """Answer that nothing is known under a shared key; remember the install, for erasures."""
    scope = scope_of(seen.key)
    met = {one.install_id for one in index.installs if abs(one.ts - install.ts) <= DAY_MS}
    facts: list[MatchFact] = [
        Candidates(seen.install_id, seen.signal, seen.ordinal, [], [], *scope, seen.opening),
        KeyShared(
            key=seen.key,
            install_id=seen.install_id,
            bound="installs_per_key_day_max",
            installs=len({*met, seen.install_id}),
            time=seen.time,
            ts=seen.ts,
        ),
    ]
    if (erasure := asked_after(index.erasures, install.ts)) is not None:
        facts.append(erasure.of(seen.install_id, scope))
    if known_install(index.installs, install, is_session=False) is not None:
        return index, facts
    index, evicted = _with_install(index, install, rules)
    return index, facts + evicted


def _index_withheld(
    index: TouchIndex, install: IndexedInstall, seen: InstallSeen, rules: Rules
) -> IndexStep:
    """Remember an install whose person forbids to match by the key, for privacy requests alone."""
    scope = scope_of(seen.key)
    facts: list[MatchFact] = [*choices_from(index.choices, seen.install_id, scope)]
    if (erasure := asked_after(index.erasures, install.ts)) is not None:
        facts.append(erasure.of(seen.install_id, scope))
    index, evicted = _with_install(index, install, rules)
    return index, facts + evicted


def _is_ignored(index: TouchIndex, touch: Touch, install: IndexedInstall) -> bool:
    """Whether the key is no evidence for the touchpoint or for the install."""
    return index.shared.covers(touch.ts) or index.shared.covers(install.ts)


def _index_session(index: TouchIndex, seen: InstallSeen, rules: Rules) -> IndexStep:
    """Look up the click that a session names: it may have brought the user back."""
    known = known_install(index.installs, seen, is_session=True)
    first, last = (known.since, known.ts) if known is not None else (seen.ts, seen.ts)
    since, until = min(first, seen.ts), max(last, seen.ts)
    named = IndexedInstall(seen.install_id, seen.signal, seen.time, until, True, since)
    touches = [
        touch
        for touch in index.touches
        if could_matter(touch, named, rules) and not index.shared.covers(touch.ts)
    ]
    facts: list[MatchFact] = [_found(seen.key, named, touches)] if touches else []
    if known is not None and (known.since, known.ts) == (since, until):
        return index, facts
    index, evicted = _with_install(index, named, rules)
    return index, facts + evicted


def _found(key: str, install: IndexedInstall, touches: list[Touch]) -> Candidates:
    """Touchpoints found after the lookup of the install, or for a session."""
    ordinal = NAMED_BY_SESSION if install.is_session else NOT_ASKED
    return _answer(install, ordinal, touches, [], scope_of(key))


def _answer(
    install: IndexedInstall,
    ordinal: int,
    touches: list[Touch],
    priors: list[Prior],
    scope: tuple[str, bool],
) -> Candidates:
    named = install.install_id, install.signal, ordinal
    return Candidates(*named, touches, priors, *scope, install.opening, install.device_ids)


def _with_install(index: TouchIndex, install: IndexedInstall, rules: Rules) -> IndexStep:
    installs, evicted = with_install(index.installs, install, rules)
    return replace(index, installs=installs), list(evicted)


def touch_index_due(index: TouchIndex, rules: Rules) -> LogMs | None:
    """Log time at which `close_sampled_paths` has something to report; None: never."""
    if index.watched_until == NOT_WATCHED:
        return None
    return sampled_paths.sampled_path_due(_watched(index), index.watched_until, rules)


def close_sampled_paths(index: TouchIndex, key: str, now: LogMs, rules: Rules) -> IndexStep:
    """Report every path of a sampled device that has ended by log time `now`."""
    facts: list[MatchFact] = []
    erased_ts = latest_ts(index.erasures)
    while (due := touch_index_due(index, rules)) is not None and due <= now:
        installs = [
            install.time
            for install in index.installs
            if install.signal is Signal.DEVICE_ID
            and not install.is_session
            and install.ts > erased_ts
        ]
        path, until = sampled_paths.close_sampled_path(
            key, _watched(index), installs, index.watched_until, rules
        )
        facts.append(path)
        index = replace(index, watched_until=until)
    return index, facts


def _watched(index: TouchIndex) -> list[Touch]:
    erased_ts = latest_ts(index.erasures)
    honest = [one for one in index.touches if not sampled_paths.is_forged(one)]
    return [
        one
        for one in honest
        if one.ts > erased_ts
        and not index.shared.covers(one.ts)
        and not (index.choices and is_refused_at(index.choices, one.ts))
    ]
