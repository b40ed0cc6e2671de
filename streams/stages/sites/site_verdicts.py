"""Reports the judgement of a site to its installs: to their journeys, and to storing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from msgspec.structs import replace

from attribution.decision.fraud import SITE_REASONS, FraudReason, FraudRules
from attribution.rules.rules import Rules
from attribution.sites.history import ClaimedInstall, HourOfInstalls, SiteHistory
from attribution.sites.judgement import JudgedSite, judge_site
from attribution.sites.mixture import Mixture
from attribution.sites.norms import AppNorms
from schemas import topics
from schemas.outcomes import FraudVerdict
from schemas.records import JourneyFrame, JourneyRecord, SiteVerdict, journey_key
from schemas.time import HOUR_MS, EventMs, LogMs
from streams.stages.common.observer import StageObserver
from streams.stages.common.outbox import FrameOutbox, Outbox
from streams.stages.contract import Effects

_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class SiteJudgement:
    """The judgement of a site at log time `at`, under the rules of its app and media source."""

    site: str
    at: LogMs
    rules: FraudRules
    judged: JudgedSite

    @classmethod
    def of(
        cls, site: str, history: SiteHistory, norms: AppNorms, mixture: Mixture, rules: Rules
    ) -> Self:
        app_id, media_source, _ = site.split("\x1f", 2)
        at = history.judge_at
        # Scopes hold for install times; the installs judged now are about as old as the judgement.
        fraud = rules.policy(app_id, media_source, "", EventMs(at)).fraud
        return cls(site, at, fraud, judge_site(history, norms, mixture, fraud, at))


class Verdicts:
    """Collects the verdicts of one decision of the sites stage."""

    def __init__(
        self, partition: int, partitions: int, rules: Rules, observer: StageObserver
    ) -> None:
        self.outbox = Outbox("sites", partition, observer)
        self._rules = rules
        self._journeys: FrameOutbox[JourneyRecord] = FrameOutbox(
            topics.JOURNEYS.name, partitions, JourneyFrame
        )

    def flush(self, effects: Effects) -> None:
        self._journeys.flush(effects, {})
        self.outbox.flush(effects)

    def report(self, judgement: SiteJudgement, hour: HourOfInstalls) -> HourOfInstalls:
        """Report every verdict that has changed; return the hour with the reasons now in force."""
        installs = [self._report_install(judgement, one) for one in hour.installs]
        return replace(hour, installs=installs) if installs != hour.installs else hour

    def _report_install(self, judgement: SiteJudgement, install: ClaimedInstall) -> ClaimedInstall:
        charges, reported = judgement.judged.charges, list(install.reasons)
        for reason in SITE_REASONS:
            is_charged = install.cell in charges.get(reason, ())
            if reason == "behavioral_anomalies" and not install.is_new_device:
                is_charged = False
            if is_charged == (reason in reported):
                continue
            if is_charged:
                reported.append(reason)
            else:
                reported.remove(reason)
            self._report(judgement, install, reason, is_charged=is_charged)
        return replace(install, reasons=reported) if reported != install.reasons else install

    def _report(
        self,
        judgement: SiteJudgement,
        install: ClaimedInstall,
        reason: FraudReason,
        *,
        is_charged: bool,
    ) -> None:
        value = judgement.judged.opinion.against(reason, install.cell, judgement.rules)
        value = round(value, _DECIMALS)
        name = install.install_id, install.event_id, reason
        app_id, media_source, site_id = judgement.site.split("\x1f", 2)
        verdict = SiteVerdict(*name, value, judgement.at, app_id)
        self._journeys.add(journey_key(app_id, install.install_id), verdict)
        policy = self._rules.policy(app_id, media_source, install.campaign_id, install.time)
        mode = getattr(policy.fraud, reason)
        if mode == "off":
            return
        row = FraudVerdict(
            verdict_id=":".join((*name, str(judgement.at // HOUR_MS))),
            install_id=install.install_id,
            app_id=app_id,
            stage="site",
            reason=reason,
            sub_reason="" if is_charged else "withdrawn",
            value=value,
            mode=mode,
            touch_id=install.touch_id,
            media_source=media_source,
            campaign_id=install.campaign_id,
            site_id=site_id,
            real_source=media_source,
            install_time=install.time,
            decided_at=judgement.at,
        )
        self.outbox.add(topics.FRAUD_VERDICTS.name, install.install_id, row)
