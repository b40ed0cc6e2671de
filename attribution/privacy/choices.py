"""Opt-outs: from when on a person refuses what the row `opt_out` of the consent table forbids.

A request counts for what is logged after it, and of several the latest by log time: an `opt_in`
permits again what an opt-out refused. What was joined and decided before stays. The same request
sent again changes nothing: the first copy by log time counts, in whatever order they arrive.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Sequence

from msgspec import Struct

from attribution.decision.candidates import Candidate
from attribution.matching.facts import Evicted
from attribution.rules.consent import ConsentRefusal, Use, forbidden_uses
from attribution.rules.rules import Rules
from schemas.records import ChoiceMade, Installed, Prior, Signal
from schemas.time import MILLISECOND, LogMs

ALWAYS = LogMs(0)
"""Before every log time."""


class PrivacyChoice(Struct, frozen=True, array_like=True, order=True, gc=False):
    """One request of a person: to be opted out, or in again."""

    ts: LogMs
    request_id: str
    is_refused: bool


def note_choice(
    known: Sequence[PrivacyChoice], made: PrivacyChoice, rules: Rules
) -> tuple[list[PrivacyChoice], list[Evicted]]:
    """Add a choice, in order of log time. Beyond the bound the oldest are evicted."""
    same = next((one for one in known if one.request_id == made.request_id), None)
    if same is not None and same.ts <= made.ts:
        return list(known), []
    choices = [one for one in known if one is not same]
    insort(choices, made)
    surplus = len(choices) - rules.choices_per_key_max
    if surplus <= 0:
        return choices, []
    return choices[surplus:], [Evicted("choices_per_key_max", surplus)]


def is_refused_at(choices: Iterable[PrivacyChoice], ts: LogMs) -> bool:
    """Whether the person refused when a record was logged at `ts`."""
    is_refused = False
    for choice in choices:
        if choice.ts >= ts:
            break
        is_refused = choice.is_refused
    return is_refused


def is_refused_now(choices: Sequence[PrivacyChoice]) -> bool:
    """Whether the latest choice refuses."""
    return bool(choices) and choices[-1].is_refused


def choices_from(
    choices: Sequence[PrivacyChoice],
    install_id: str,
    scope: tuple[str, bool],
    since: LogMs = ALWAYS,
) -> list[ChoiceMade]:
    """What the journey of an install has to know, which is of the person for what is logged from
    `since` on: the choice in force then, and all later ones."""
    before = [one for one in choices if one.ts < since][-1:]
    later = [one for one in choices if one.ts >= since]
    made = ((one, max(one.ts, since - MILLISECOND)) for one in (*before, *later))
    return [
        ChoiceMade(install_id, one.request_id, LogMs(ts), one.is_refused, *scope)
        for one, ts in made
    ]


def opted_out_uses(install: Installed, rules: Rules) -> int:
    """Bits of `Use` that an opt-out forbids by the table of the app."""
    consent = rules.app_policy(install.app_id, install.time).consent
    return forbidden_uses(ConsentRefusal.OPT_OUT, consent)


def is_prediction_refused(
    choices: Sequence[PrivacyChoice], install: Installed, ts: LogMs, rules: Rules
) -> bool:
    """Whether nothing may be predicted of the person of an install at this log time."""
    if not choices or not is_refused_at(choices, max(ts, install.ts)):
        return False
    return bool(opted_out_uses(install, rules) & Use.PREDICTION)


def is_candidate_refused(
    choices: Sequence[PrivacyChoice], candidate: Candidate, install: Installed, rules: Rules
) -> bool:
    """Whether an opt-out forbids what joins a touchpoint and an install."""
    signal = candidate.signal
    if not choices or (signal is not Signal.DEVICE_ID and signal is not Signal.PROBABILISTIC):
        return False
    if not is_refused_at(choices, max(candidate.touch.ts, install.ts)):
        return False
    uses = Use.PROBABILISTIC if signal is Signal.PROBABILISTIC else by_devices(candidate.device_ids)
    return not uses & ~opted_out_uses(install, rules)


def by_devices(device_ids: int) -> int:
    """The uses of the device ids that join two records; earlier builds did not say which."""
    return device_ids or Use.ADVERTISING_ID


def permitted_priors(
    priors: Sequence[Prior], choices: Sequence[PrivacyChoice], install: Installed, rules: Rules
) -> Sequence[Prior]:
    """Earlier installs of the device that may be joined with this one."""
    if not choices:
        return priors
    forbidden = opted_out_uses(install, rules)
    return [
        one
        for one in priors
        if by_devices(one.device_ids) & ~forbidden
        or not is_refused_at(choices, max(one.ts, install.ts))
    ]
