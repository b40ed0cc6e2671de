"""Who has the credit for an install, who would have had it, and who helped."""

from __future__ import annotations

from typing import NamedTuple

from tests.oracle.claims import Case, Claim, claims_on, prior_of, refusal, unsure
from tests.oracle.fraud import Suspicion, suspicions
from tests.oracle.history import History, Opened
from tests.oracle.rulebook import SITE_REASONS, Rulebook

CONTRIBUTORS_MAX = 3


class Verdict(NamedTuple):
    """The final decision on one install."""

    winner: str  # event id; "" is organic
    signal: int  # of the winner; -1 is organic
    conversion_type: str
    status: str
    prior_install_id: str
    fraud_status: str
    fraud_reason: str
    rejected: str  # event id of who would have won, were it not for fraud
    rejected_reason: str
    contributors: tuple[str, ...]
    expires_at: int
    is_erased: bool
    receipts: dict[str, str]
    """Event id -> credited, outranked, or the rule that rejected it."""


def decide(opened: Opened, history: History, book: Rulebook) -> Verdict:
    name = opened.install.install_id
    case = Case(
        opened,
        prior_of(opened, history, book),
        claims_on(opened, history),
        book,
        [one for one in history.verdicts if one.install_id == name],
    )
    judged = judge(case)
    fit = [one for one in judged if not one.refused]  # best first
    eligible = [one for one in fit if not one.rejected]
    winner = eligible[0] if eligible else None
    stopped = fit[0] if fit and fit[0] is not winner else None
    worst = gravest(winner.hits) if winner else None
    has_temporary = winner is not None and case.prior is not None
    return Verdict(
        winner=winner.name if winner else "",
        signal=int(winner.claim.signal) if winner else -1,
        conversion_type=conversion_type(case, winner),
        status=status(case, winner),
        prior_install_id=case.prior.install_id if case.prior else "",
        fraud_status=worst.mode if worst else "",
        fraud_reason=worst.reason if worst else "",
        rejected=stopped.name if stopped else "",
        rejected_reason=stopped.rejected if stopped else "",
        contributors=tuple(one.name for one in eligible[1:][:CONTRIBUTORS_MAX]),
        expires_at=expiry(case, winner) if has_temporary and winner else 0,
        is_erased=opened.erased_ts(history.erasures) > 0,
        receipts={
            one.name: "credited" if one is winner else one.refused or one.rejected or "outranked"
            for one in judged
        },
    )


class Judged(NamedTuple):
    """A claim, and what speaks against it."""

    claim: Claim
    refused: str  # the rule that forbids it, fraud aside
    hits: list[Suspicion]
    rejected: str  # the reason to take the credit away

    @property
    def name(self) -> str:
        return self.claim.touch.event_id


def judge(case: Case) -> list[Judged]:
    """All claims, best first."""
    doubtful = unsure(case)
    found = []
    for claim in case.claims:
        refused = refusal(claim, case)
        if not refused and claim.touch.event_id in doubtful:
            refused = "low_confidence"
        hits = suspicions(claim, case)
        found.append(Judged(claim, refused, hits, rejecting(hits)))
    return found


def expiry(case: Case, winner: Judged) -> int:
    """When a re-attribution gives the credit back; 0: never."""
    span = int(case.rule("windows.temporary", winner.claim.touch))
    return case.opened.install.time + span if span else 0


def rejecting(found: list[Suspicion]) -> str:
    """The first reason to take the credit away; "" when there is none."""
    return next((one.reason for one in found if one.mode == "reject"), "")


def gravest(found: list[Suspicion]) -> Suspicion | None:
    """What is told of a winner: a suspicion before a mere tag, else the first rule.

    Tags by the history of a site come and go with it, and are told elsewhere.
    """
    counting = [one for one in found if one.mode != "tag" or one.reason not in SITE_REASONS]
    return max(counting, key=lambda one: one.mode == "suspicious", default=None)


def conversion_type(case: Case, winner: Judged | None) -> str:
    if case.prior is None:
        return "install"
    return "reattribution" if winner else "reinstall"


def status(case: Case, winner: Judged | None) -> str:
    if winner is None:
        return "organic"
    return "reattributed" if case.prior else "non_organic"
