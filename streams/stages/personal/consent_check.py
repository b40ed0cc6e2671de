"""What the person behind an event refuses, and the traits that may be compared all the same."""

from __future__ import annotations

from attribution.rules.consent import ATT_AUTHORIZED, Use, forbidden_uses, refusals
from attribution.rules.rules import Rules
from schemas.events import DeviceEvent, Install, Touchpoint
from streams.stages.common.pseudonyms import Pseudonyms
from streams.stages.intake.traits import event_traits, has_consent

_PERMITS = (None, ATT_AUTHORIZED)


class ConsentCheck:
    """Applies the table of consent of each app."""

    def __init__(self, rules: Rules, pseudonyms: Pseudonyms, is_probabilistic: bool) -> None:
        self._rules = rules
        self._pseudonyms = pseudonyms
        self._is_probabilistic = is_probabilistic

    def forbidden(self, event: DeviceEvent) -> int:
        """The uses that the table of the app forbids: bits of `Use`."""
        refused = self.refused(event)
        if not refused:
            return 0
        policy = self._rules.app_policy(event.app_id, event.event_time)
        return forbidden_uses(refused, policy.consent)

    def refused(self, event: DeviceEvent) -> int:
        """What the event says that the person refuses: bits of `ConsentRefusal`."""
        # Most refuse nothing, and this is asked of every touchpoint.
        consent = event.consent
        if (
            not event.limit_ad_tracking
            and event.att_status in _PERMITS
            and (
                consent is None
                or False
                not in (consent.data_usage, consent.ads_personalization, consent.ad_storage)
            )
        ):
            return 0
        return refusals(event)

    def traits(self, event: Touchpoint | Install, forbidden: int) -> list[str]:
        """What probabilistic matching may compare; it needs explicit consent, too."""
        if not self._is_probabilistic or forbidden & Use.PROBABILISTIC or not has_consent(event):
            return []
        return event_traits(event, self._pseudonyms)
