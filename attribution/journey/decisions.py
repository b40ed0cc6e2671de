"""Merges the evidence on an install, decides, and decides again when the evidence changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from attribution.bounds.byte_bounds import CANDIDATE_BYTES_PER_JOURNEY_MAX, are_within, as_written
from attribution.bounds.fair_share import Ranking, fair_share, sender_of, share_of_bytes
from attribution.decision.candidates import Candidate, is_named, without_copies
from attribution.decision.reengagement import is_meant_to, may_win_back
from attribution.decision.waterfall import (
    Case,
    WaterfallResult,
    expires_at,
    fraud_status,
    prior_of,
    rank,
    rejection,
    review,
    run_waterfall,
)
from attribution.journey.retargeting import note_retargeting
from attribution.journey.state import Decision, Journey, JourneyFact, JourneyStep
from attribution.matching.facts import Evicted, Settled
from attribution.privacy.choices import permitted_priors
from attribution.rules.consent import Use
from attribution.rules.rules import Rules
from schemas.outcomes import DecisionReason
from schemas.records import Installed, Prior, Signal, TouchKind
from schemas.time import LogMs

BEST_CANDIDATES: Ranking[Candidate] = Ranking(lambda one: sender_of(one.touch), rank)


def case_of(journey: Journey, rules: Rules) -> Case:
    """The input of the waterfall; the install must be known."""
    install = journey.install
    assert install is not None
    prior = None
    if journey.priors:
        priors = permitted_priors(journey.priors, journey.choices, install, rules)
        prior = prior_of(install, priors, rules)
    return Case(install, prior, journey.site_verdicts, journey.choices)


def is_answered(journey: Journey) -> bool:
    """Whether the install is known and matching has answered every lookup."""
    install = journey.install
    if install is None:
        return False
    every_lookup = (1 << install.lookups) - 1
    # A second install with the same id may have sent more lookups than this one.
    return journey.answered & every_lookup == every_lookup


def decide_if_complete(journey: Journey, rules: Rules, read_until: LogMs) -> JourneyStep:
    """Make the first decision once every lookup is answered and what was logged up to the install
    is read. An answer that nothing unread can outrank does not wait."""
    install = journey.install
    if install is None or not is_answered(journey):
        return journey, []
    if read_until <= install.ts and not _is_certain(journey, rules):
        return journey, []
    return make_decision(journey, "first_decision", install.ts, rules)


def _is_certain(journey: Journey, rules: Rules) -> bool:
    """Whether the install names the click that brought it, and no device id was looked up; or it
    looked up nothing.

    A device id may join any number of touchpoints, a later click and an earlier install among
    them; a click id names one click, and what matches probabilistically never outranks it.
    """
    install = journey.install
    if install is not None and install.lookups == 0:
        return True
    if journey.has_device_lookup:
        return False
    winner = run_waterfall(journey.candidates, case_of(journey, rules), rules).winner
    return (
        winner is not None
        and winner.signal in (Signal.REFERRER, Signal.CLICK_ID)
        and winner.touch.kind is TouchKind.CLICK
    )


def make_decision(journey: Journey, reason: DecisionReason, at: LogMs, rules: Rules) -> JourneyStep:
    """Make the next version of the decision, even if it equals the last one."""
    case = case_of(journey, rules)
    return _conclude(
        journey, case, run_waterfall(journey.candidates, case, rules), (reason, at), rules
    )


def reconsider(journey: Journey, reason: DecisionReason, at: LogMs, rules: Rules) -> JourneyStep:
    """Decide again; make a new version only if the decision has changed."""
    if journey.version == 0 or journey.is_purged:
        return journey, []
    case = case_of(journey, rules)
    judgement = run_waterfall(journey.candidates, case, rules)
    if _decision_text(case, judgement, rules) == journey.decided:
        return journey, []
    return _conclude(journey, case, judgement, (reason, at), rules)


def _conclude(
    journey: Journey,
    case: Case,
    judgement: WaterfallResult,
    cause: tuple[DecisionReason, LogMs],
    rules: Rules,
) -> JourneyStep:
    version = journey.version + 1
    decision = Decision(
        version=version,
        reason=cause[0],
        case=case,
        judgement=judgement,
        review=review(journey.candidates, case, judgement, rules),
        decided_at=cause[1],
        is_erased=journey.erased_ts > 0,
    )
    facts: list[JourneyFact] = [decision]
    if version == 1:
        facts.append(Settled(case.install.source, "decided"))
    return replace(journey, version=version, decided=_decision_text(case, judgement, rules)), facts


def _decision_text(case: Case, judgement: WaterfallResult, rules: Rules) -> str:
    """A text that is equal for equal decisions: winner, prior install, fraud, expiry."""
    robbed = judgement.robbed_by.reason if judgement.robbed_by else ""
    parts = (
        _name(judgement.winner),
        case.prior.install_id if case.prior else "",
        *fraud_status(judgement.hits),
        _name(judgement.robbed),
        robbed,
        str(expires_at(case, judgement, rules) or ""),
    )
    return "|".join(parts).rstrip("|")


def _name(candidate: Candidate | None) -> str:
    if candidate is None:
        return ""
    kind = "" if candidate.touch.kind is TouchKind.CLICK else "view "
    basis = "v" if candidate.device_ids == Use.VENDOR_ID else ""
    return f"{candidate.signal.value}{basis}:{kind}{candidate.touch.event_id}"


def merge(journey: Journey, found: Sequence[Candidate], rules: Rules) -> JourneyStep:
    """Add touchpoints. Those after the install can only win the user back."""
    install = journey.install
    candidates = [*journey.candidates, *found] if found else journey.candidates
    if install is None:
        # It is not known yet which touchpoints come after the install. The copy matched by device
        # id must be kept even if the referrer names the same click.
        later = [one for one in found if is_meant_to(one)]
    else:
        later = [one for one in candidates if _is_after_install(one, install)]
    if install is not None and later:
        candidates = [one for one in candidates if not _is_after_install(one, install)]
    merged, facts = _kept(journey, candidates, rules)
    journey = replace(journey, candidates=merged)
    if later:
        journey, evicted = note_retargeting(journey, later, rules)
        facts += evicted
    return journey, facts


def _is_after_install(candidate: Candidate, install: Installed) -> bool:
    """Whether the touchpoint can only win the user back. What the install names came before it."""
    return may_win_back(candidate, install) and not is_named(candidate)


def _kept(
    journey: Journey, candidates: Iterable[Candidate], rules: Rules
) -> tuple[list[Candidate], list[JourneyFact]]:
    """Keep every touchpoint once, the best first, within the bound."""
    merged = without_copies(candidates)
    merged.sort(key=rank, reverse=True)
    install, limit = journey.install, rules.candidates_per_journey_max
    bytes_max = CANDIDATE_BYTES_PER_JOURNEY_MAX
    if len(merged) <= limit and are_within(merged, bytes_max, as_written):
        return merged, []
    able = merged
    if install is not None:
        # A touchpoint that cannot win must never evict one that can.
        case = Case(install)
        able = [one for one in merged if rejection(one, case, rules) is None]
    best, _ = fair_share(able, limit, BEST_CANDIDATES)
    others = [one for one in merged if one not in able] if len(able) < len(merged) else []
    more, _ = fair_share(others, limit - len(best), BEST_CANDIDATES)
    kept = sorted([*best, *more], key=rank, reverse=True)
    facts: list[JourneyFact] = []
    if beyond := len(merged) - len(kept):
        facts.append(Evicted("candidates_per_journey_max", beyond))
    small, large = share_of_bytes(kept, bytes_max, BEST_CANDIDATES)
    if large:
        facts.append(Evicted("candidate_bytes_per_journey_max", len(large)))
    return list(small), facts


def note_priors(journey: Journey, priors: Sequence[Prior], rules: Rules) -> JourneyStep:
    """Add earlier installs of the same device, within the bound."""
    known = {one.install_id: one for one in journey.priors}
    for prior in priors:
        other = known.get(prior.install_id)
        if other is None:
            known[prior.install_id] = prior
            continue
        first = min(prior, other, key=lambda one: (one.ts, one.time))
        device_ids = prior.device_ids | other.device_ids
        known[prior.install_id] = replace(first, device_ids=device_ids)
    ordered = sorted(known.values(), key=lambda one: (one.time, one.install_id))
    surplus = len(ordered) - rules.priors_per_journey_max
    if surplus <= 0:
        return replace(journey, priors=ordered), []
    # The latest prior install decides, so the earliest are evicted.
    evicted = Evicted("priors_per_journey_max", surplus)
    return replace(journey, priors=ordered[surplus:]), [evicted]
