"""Makes the plain values of each part from the settings: workers, store, rules, models."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from attribution.rules.rule_file import read_rules
from attribution.rules.rules import Rules
from online_models.challengers.challenger_file import check_challengers
from online_models.learning.rules import Challenger
from online_models.scoring.tiers import TierRules
from online_models.targets.target_file import read_targets
from online_models.targets.targets import Targets
from streams.kafka.client_options import client_options
from streams.settings import ModelSettings, RuleSettings, Secret, Settings
from streams.settings.core import EMBEDDED_LEAD, BatchBounds, CoreSettings, LeadBounds
from streams.settings.storing import BufferBounds, FlushBounds, StoreTarget, StoringSettings
from streams.stages.factory import StageRules
from streams.stages.intake.intake import IntakeRules
from streams.stages.journeys.active_models import ScoringRules
from streams.stages.learning.usual_rules import learning_of
from streams.wiring.named_file import read_file
from streams.wiring.postbacks import postback_rules
from streams.wiring.pseudonym_secret import former_secret, pseudonym_secret


def core_settings(settings: Settings) -> CoreSettings:
    """What a core worker takes. `settings.kafka.brokers` must be set."""
    kafka = settings.kafka
    options = client_options(kafka)
    return CoreSettings(
        bootstrap_servers=str(options.pop("bootstrap_servers")),
        state_folder=_state_folder(settings),
        group_id=kafka.consumer_group("core"),
        storing_group_id=kafka.consumer_group("storing"),
        topic_prefix=kafka.topic_prefix,
        generation=kafka.generation,
        security=options,
        embedded=kafka.is_in_process,
        ticks=kafka.source_timestamps == "append" and not kafka.is_in_process,
        stamped_ticks=kafka.source_timestamps == "create" and not kafka.is_in_process,
        group_instance_id=kafka.group_instance_id,
        session_timeout_seconds=kafka.session_ms / 1000,
        poll_records_max=settings.worker.batch_records,
        compression=None if kafka.compression == "none" else kafka.compression,
        stop_seconds=settings.worker.stop_timeout_ms / 1000,
        catch_up_lead_ms=settings.worker.catch_up_lead_ms,
        batch=BatchBounds.of_records(settings.worker.batch_records),
        lead=EMBEDDED_LEAD if kafka.is_in_process else LeadBounds(),
    )


def _state_folder(settings: Settings) -> Path:
    """Each generation has state of its own."""
    generation = settings.kafka.generation
    folder = settings.folders.state
    return folder / f"g{generation}" if generation > 1 else folder


def storing_settings(settings: Settings) -> StoringSettings:
    """What a storing worker takes. `settings.kafka.brokers` must be set."""
    core, store = core_settings(settings), settings.store
    return StoringSettings(
        bootstrap_servers=core.bootstrap_servers,
        store=store_target(settings),
        epoch=settings.kafka.log_epoch,
        group_id=core.storing_group_id,
        topic_prefix=core.own_prefix,
        security=core.security,
        embedded=core.embedded,
        session_timeout_seconds=core.session_timeout_seconds,
        stop_seconds=core.stop_seconds,
        flush=FlushBounds(
            rows_max=store.insert_rows,
            seconds=store.insert_interval_ms / 1000,
            seconds_seldom=store.insert_interval_seldom_ms / 1000,
        ),
        buffer=BufferBounds(rows_max=store.buffered_rows),
    )


def store_target(settings: Settings) -> StoreTarget:
    """ClickHouse at HEADWATER_CLICKHOUSE, or chdb in the data folder."""
    store = settings.store
    timeout_seconds = store.insert_timeout_ms / 1000
    if store.url is None:
        return StoreTarget(folder=settings.folders.store, timeout_seconds=timeout_seconds)
    return StoreTarget(
        url=store.url.reveal(),
        password=store.password.reveal() if store.password else None,
        ca_certificate=store.ca_certificate,
        timeout_seconds=timeout_seconds,
    )


def stage_rules(settings: Settings) -> StageRules:
    """Everything that decides, apart from the log. Stop: a file of rules cannot be used."""
    attribution = attribution_rules(settings.rules, settings.rules.attribution)
    intake = _intake_rules(settings, is_probabilistic=attribution.allows_probabilistic)
    scoring = scoring_rules(settings.models)
    if settings.models.targets:
        read_file(settings.models.targets, "HEADWATER_TARGETS", _checked_targets)
    return StageRules(
        intake=intake,
        attribution=attribution,
        learning=learning_of(
            scoring.targets, _challengers(settings.models), attribution.pair_model
        ),
        scoring=scoring,
        keeps_state=not settings.kafka.is_in_process,
    )


def _challengers(settings: ModelSettings) -> tuple[Challenger, ...]:
    rates: Mapping[str, float] = settings.challengers or {}
    return tuple(Challenger(name, alpha) for name, alpha in rates.items())


def scoring_rules(settings: ModelSettings) -> ScoringRules:
    """Targets, and when a lower tier answers. Stop: the file of targets cannot be used."""
    tiers = TierRules(settings.stale_after_ms, settings.challenger_share)
    if settings.targets is None:
        return ScoringRules(tiers=tiers)
    return ScoringRules(read_file(settings.targets, "HEADWATER_TARGETS", read_targets), tiers=tiers)


def _checked_targets(text: str) -> Targets:
    """Targets whose challengers can be made here."""
    targets = read_targets(text)
    for target in targets.hazards:
        check_challengers(target.name, target.challengers)
    return targets


def attribution_rules(rules: RuleSettings, file: Path | None) -> Rules:
    """The rules of a file and of the settings. Stop: the file cannot be used."""
    base = Rules(
        late_ms_max=rules.late_ms,
        decision_wait_ms=rules.decision_wait_ms,
        parking_ms=rules.parking_ms,
        journey_retention_ms=rules.journey_retention_ms,
        watched_one_in=rules.watched_one_in,
        installs_per_key_day_max=rules.shared_key_installs,
        installs_per_account_day_max=rules.shared_account_installs,
        shared_key_rest_ms=rules.shared_key_rest_ms,
    )
    if file is None:
        return base
    return read_file(file, "rule file", lambda text: read_rules(text, base))


def _intake_rules(settings: Settings, *, is_probabilistic: bool) -> IntakeRules:
    rules = settings.rules
    signing: Mapping[str, Secret] = rules.signature_secrets or {}
    return IntakeRules(
        pseudonym_secret=pseudonym_secret(settings.privacy),
        earliest_event_time=rules.earliest_event_time,
        dead_letter_share_max=rules.dead_letter_share,
        dead_letter_window=rules.dead_letter_window,
        signature_secrets={name: key.reveal().encode() for name, key in signing.items()},
        placeholder_ids=tuple(rules.placeholder_ids or ()),
        has_normal_ids=rules.normal_ids is not False,
        referrer_parameters=dict(rules.referrer_parameters or {}),
        signature_age_ms_max=rules.signature_age_ms,
        old_signatures_until=rules.old_signatures_until,
        sdk_event_age_ms_max=rules.sdk_event_age_ms,
        is_probabilistic=is_probabilistic,
        postbacks=postback_rules(settings.postbacks),
        former_secret=former_secret(settings.privacy),
        former_until=settings.privacy.former_until,
    )
