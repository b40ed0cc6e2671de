"""Columns that say what a decision rests on, and what its person had refused by then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attribution.decision.candidates import Candidate
from attribution.privacy.choices import PrivacyChoice, by_devices, is_refused_now, opted_out_uses
from attribution.rules.consent import ConsentRefusal, Use, refusal_names, use_names
from attribution.rules.rules import Rules
from schemas.outcomes import Basis
from schemas.records import Installed, Signal

_BASES: dict[Signal, Basis] = {
    Signal.REFERRER: "store_referrer",
    Signal.CLICK_ID: "click_id",
    Signal.ADSERVICES: "adservices",
    Signal.PROBABILISTIC: "probabilistic",
}


def consent_columns(
    install: Installed, winner: Candidate | None, choices: Sequence[PrivacyChoice], rules: Rules
) -> dict[str, Any]:
    """The columns of a row; None: organic."""
    refused, forbidden = install.refused, install.forbidden
    if is_refused_now(choices):
        refused |= ConsentRefusal.OPT_OUT
        forbidden |= opted_out_uses(install, rules)
    return {
        "basis": _basis_of(winner),
        "refused": refusal_names(refused),
        "forbidden_uses": use_names(forbidden),
    }


def _basis_of(winner: Candidate | None) -> Basis:
    if winner is None:
        return "none"
    if winner.signal is not Signal.DEVICE_ID:
        return _BASES[winner.signal]
    is_vendor = by_devices(winner.device_ids) == Use.VENDOR_ID
    return "vendor_id" if is_vendor else "device_id"
