"""Where what the product says differs from what the oracle says."""

from __future__ import annotations

from typing import Any, NamedTuple

from attribution.decision.waterfall import Review, conversion_type, fraud_status
from attribution.journey import Decision
from attribution.rules.rules import Rules
from streams.stages.journeys.decision_rows import attribution_row
from tests.oracle.decision import Verdict, decide
from tests.oracle.generated.router import Reported
from tests.oracle.history import History
from tests.oracle.reengagement import Return, returns
from tests.oracle.rulebook import Rulebook

MATCH_TYPES = ("none", "referrer", "click_id", "device_id", "adservices", "probabilistic")


class Truth(NamedTuple):
    verdicts: dict[str, Verdict]  # by install id
    returns: dict[str, list[Return]]


def truth_of(history: History, book: Rulebook) -> Truth:
    return Truth(
        {one.install.install_id: decide(one, history, book) for one in history.opened},
        {one.install.install_id: returns(one, history, book) for one in history.opened},
    )


def differences(reported: Reported, truth: Truth) -> list[str]:
    """One line for each; none when the two agree."""
    found = []
    for install_id, verdict in truth.verdicts.items():
        decision = reported.decisions.get(install_id)
        if decision is None:
            found.append(f"{install_id}: never decided, expected {verdict}")
            continue
        found += [f"{install_id}: {line}" for line in _decision(decision, verdict)]
        review = reported.reviews[install_id]
        found += [f"{install_id}: {line}" for line in _review(review, verdict)]
    expected = {
        one.conversion_id: (*one[1:], truth.verdicts[name].is_erased)
        for name, back in truth.returns.items()
        for one in back
    }
    actual = {
        name: (
            output.candidate.touch.event_id,
            int(output.candidate.signal),
            output.session_time,
            output.expires_at,
            output.is_erased,
        )
        for name, output in reported.reengagements.items()
    }
    return found + _unequal("re-engagements", actual, expected)


def row_differences(reported: Reported, truth: Truth, rules: Rules) -> list[str]:
    """The same for what is only worked out when the decision becomes a row."""
    found = []
    for install_id, decision in reported.decisions.items():
        row, verdict = attribution_row(decision, rules, ""), truth.verdicts[install_id]
        output = {
            "status": row.status,
            "expires_at": row.expires_at,
            "conversion_type": row.conversion_type,
            "prior_install_id": row.prior_install_id,
            "fraud_reason": row.fraud_reason,
            "rejected_reason": row.rejected_reason,
        }
        lines = _fields(output, verdict)
        lines += _unequal("match_type", row.match_type, MATCH_TYPES[verdict.signal + 1])
        found += [f"row of {install_id}: {line}" for line in lines]
    return found


def _decision(decision: Decision, verdict: Verdict) -> list[str]:
    judgement, case = decision.judgement, decision.case
    winner, robbed = judgement.winner, judgement.robbed
    status, reason = fraud_status(judgement.hits)
    output = {
        "winner": winner.touch.event_id if winner else "",
        "signal": int(winner.signal) if winner else -1,
        "conversion_type": conversion_type(case, judgement),
        "prior_install_id": case.prior.install_id if case.prior else "",
        "fraud_status": status,
        "fraud_reason": reason,
        "rejected": robbed.touch.event_id if robbed else "",
        "is_erased": decision.is_erased,
        "rejected_reason": judgement.robbed_by.reason if judgement.robbed_by else "",
    }
    return _fields(output, verdict)


def _fields(output: dict[str, Any], verdict: Verdict) -> list[str]:
    return [
        line
        for name, value in output.items()
        for line in _unequal(name, value, getattr(verdict, name))
    ]


def _review(review: Review, verdict: Verdict) -> list[str]:
    reported = {
        one.event_id: one.rule if one.verdict == "rejected" else one.verdict
        for one in review.receipts
    }
    helped = tuple(one.touch.event_id for one in review.contributors)
    return [
        *_unequal("contributors", helped, verdict.contributors),
        *_unequal("receipts", reported, verdict.receipts),
    ]


def _unequal(name: str, found: Any, expected: Any) -> list[str]:
    return [] if found == expected else [f"{name} is {found!r}, expected {expected!r}"]
