"""Credit of an install, shared by every method, and shared again when what was shown changes.

A touchpoint that comes late may change nobody's decision and still everybody's share. So credit
has revisions of its own: there is a new one whenever other touchpoints count than before.
"""

from __future__ import annotations

import zlib
from typing import Any

from msgspec import Struct

from attribution.journey import ConversionPath, Decision, Journey, conversion_path
from attribution.matching.sampled_paths import exposure
from attribution.rules.rules import Rules
from online_models.credit.persistence import CreditModel
from schemas.outcomes import Credit
from streams.stages.journeys.credit_shares import Shares, learned_shares, rule_shares


class CreditRevision(Struct, frozen=True, array_like=True, gc=False):
    """What was said last of an install."""

    revision: int = 0  # 0: nothing yet
    touches: int = 0  # hash of the touchpoints that counted


NOT_CREDITED = CreditRevision()
SHARE_DIGITS = 6


def may_have_changed(before: Journey, after: Journey, decision: Decision | None) -> bool:
    """Whether it is worth while to look which touchpoints count now."""
    return after.version > 0 and (
        decision is not None
        or after.candidates is not before.candidates
        or after.priors is not before.priors
        or after.site_verdicts is not before.site_verdicts
    )


def credit_install(
    journey: Journey,
    decision: Decision | None,
    before: CreditRevision,
    rules: Rules,
    model: CreditModel | None,
) -> tuple[CreditRevision, Credit | None]:
    """The next revision, if other touchpoints count now than did before."""
    if journey.version == 0 or journey.is_purged:
        return before, None
    counting = conversion_path(journey, decision, rules)
    named = CreditRevision(before.revision, _hash(counting))
    if before.revision and named == before:
        return before, None
    credited = CreditRevision(before.revision + 1, named.touches)
    return credited, _credit_row(journey, counting, credited.revision, model)


def _credit_row(
    journey: Journey, counting: ConversionPath, revision: int, model: CreditModel | None
) -> Credit:
    install = journey.install
    assert install is not None
    shares = rule_shares([exposure(touch) for touch in counting.eligible])
    if model is not None:
        touches = [exposure(touch) for touch in counting.genuine]
        priors = sum(one.time < install.time for one in journey.priors)
        shares |= learned_shares(install.app_id, touches, install.time, priors, model)
    logged = [one.touch.ts for one in journey.candidates]
    told: dict[str, Any] = {f"by_{method}": _told(parts) for method, parts in shares.items()}
    return Credit(
        credit_id=f"{install.install_id}:{revision}",
        conversion_id=install.install_id,
        install_id=install.install_id,
        revision=revision,
        version=journey.version,
        app_id=install.app_id,
        model_version=model.version if model is not None else "",
        install_time=install.time,
        decided_at=max([install.ts, *logged]),
        **told,
    )


def _told(shares: Shares) -> dict[str, float]:
    """Rounded; who gets nothing is not told."""
    return {
        channel: share
        for channel, exact in shares.items()
        if (share := round(exact, SHARE_DIGITS)) > 0.0
    }


def _hash(counting: ConversionPath) -> int:
    names = [[touch.event_id for touch in touches] for touches in counting]
    return zlib.crc32(repr(names).encode())
