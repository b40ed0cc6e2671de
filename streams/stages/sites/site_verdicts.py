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
from schemas.time import DAY_MS, HOUR_MS, MILLISECOND, EventMs, LogMs
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
        at = history.judge_at
        # Scopes hold for install times; the installs judged now are about as old as the judgement.
        fraud = _fraud_rules(site, EventMs(at), rules)
        return cls(site, at, fraud, judge_site(history, norms, mixture, fraud, at))

    @classmethod
    def of_day(
        cls,
        site: str,
        complete: tuple[SiteHistory, int, LogMs],
        norms: AppNorms,
        mixture: Mixture,
        rules: Rules,
    ) -> Self:
        """The judgement by complete days: the history, its last day, and when that was complete."""
        history, day, at = complete
        fraud = _fraud_rules(site, EventMs((day + 1) * DAY_MS), rules)
        judged = judge_site(history, norms, mixture, fraud, LogMs(day * DAY_MS))
        return cls(site, at, fraud, judged)


def _fraud_rules(site: str, time: EventMs, rules: Rules) -> FraudRules:
    app_id, media_source, _ = site.split("\x1f", 2)
    return rules.policy(app_id, media_source, "", time).fraud


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

    def absorb(self, other: Verdicts) -> None:
        """Take over what another one has collected."""
        self._journeys.absorb(other._journeys)
        self.outbox.absorb(other.outbox)

    def verify(self) -> None:
        """Raise whatever encoding the verdicts would raise."""
        self._journeys.verify()

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

    def withdraw(self, site: str, install: ClaimedInstall, now: LogMs) -> None:
        """Withdraw every verdict on an install that the site no longer claims."""
        for reason in SITE_REASONS:
            if reason in install.reasons:
                at = LogMs(now + MILLISECOND)  # after every verdict so far
                self._emit(site, install, (reason, 0.0, at), is_charged=False)

    def _report(
        self,
        judgement: SiteJudgement,
        install: ClaimedInstall,
        reason: FraudReason,
        *,
        is_charged: bool,
    ) -> None:
        value = judgement.judged.opinion.against(reason, install.cell, judgement.rules)
        found = reason, round(value, _DECIMALS), judgement.at
        self._emit(judgement.site, install, found, is_charged=is_charged)

    def _emit(
        self,
        site: str,
        install: ClaimedInstall,
        found: tuple[FraudReason, float, LogMs],
        *,
        is_charged: bool,
    ) -> None:
        reason, value, at = found
        name = install.install_id, install.event_id, reason
        app_id, media_source, site_id = site.split("\x1f", 2)
        verdict = SiteVerdict(*name, value, at, app_id)
        self._journeys.add(journey_key(app_id, install.install_id), verdict)
        policy = self._rules.policy(app_id, media_source, install.campaign_id, install.time)
        mode = getattr(policy.fraud, reason)
        if mode == "off":
            return
        row = FraudVerdict(
            # Judgements are made at full hours; claims are withdrawn in between.
            verdict_id=":".join((*name, str(at // HOUR_MS if at % HOUR_MS == 0 else at))),
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
            decided_at=at,
        )
        self.outbox.add(topics.FRAUD_VERDICTS.name, install.install_id, row)
