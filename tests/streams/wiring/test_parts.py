"""Every setting reaches the part it is for."""

from __future__ import annotations

from pathlib import Path

from attribution.rules.rules import Rules
from online_models.scoring.tiers import TierRules
from schemas.time import DAY_MS, HOUR_MS
from streams.settings import Settings, read_settings
from streams.settings.core import EMBEDDED_LEAD
from streams.wiring.parts import core_settings, stage_rules, storing_settings
from streams.wiring.pseudonym_secret import KNOWN_SECRET


def _settings(**variables: str) -> Settings:
    given = {"KAFKA": "broker:9092"} | variables
    return read_settings({f"HEADWATER_{name}": value for name, value in given.items()})


def test_on_a_server_idle_partitions_get_ticks_and_no_lead_is_bounded() -> None:
    core = core_settings(_settings())
    assert core.bootstrap_servers == "broker:9092"
    assert core.ticks
    assert not core.embedded
    assert core.lead.bytes_max == 0


def test_on_the_embedded_broker_leads_are_bounded_and_time_is_the_producers() -> None:
    core = core_settings(_settings(KAFKA_IN_PROCESS="yes", SOURCE_TIMESTAMPS="create"))
    assert core.embedded
    assert not core.ticks
    assert core.lead == EMBEDDED_LEAD


def test_credentials_reach_every_client() -> None:
    settings = _settings(
        KAFKA_SECURITY="SASL_PLAINTEXT", KAFKA_USERNAME="me", KAFKA_PASSWORD="hunter2"
    )
    for security in (core_settings(settings).security, storing_settings(settings).security):
        assert security["sasl_mechanism"] == "SCRAM-SHA-512"
        assert security["sasl_plain_username"] == "me"
        assert security["sasl_plain_password"] == "hunter2"
    assert core_settings(_settings(KAFKA_SECURITY="SSL")).security["ssl_context"]


def test_a_prefix_separates_topics_and_groups() -> None:
    core = core_settings(_settings(TOPIC_PREFIX="eu."))
    assert core.topic("installs") == "eu.installs"
    assert core.group_id == "eu.headwater-core"
    assert core.storing_group_id == "eu.headwater-storing"


def test_storing_goes_to_the_server_or_to_the_folder() -> None:
    server = storing_settings(
        _settings(CLICKHOUSE="clickhouse://me@host/db", CLICKHOUSE_PASSWORD="hunter2")
    )
    assert server.store.url == "clickhouse://me@host/db"
    assert server.store.password == "hunter2"
    assert "hunter2" not in repr(server)
    folder = storing_settings(_settings(DATA="/somewhere", LOG_EPOCH="7", INSERT_ROWS="10"))
    assert folder.store.folder == Path("/somewhere/chdb")
    assert folder.epoch == "7"
    assert folder.flush.rows_max == 10


def test_intervals_of_inserts_are_those_of_the_settings() -> None:
    flush = storing_settings(_settings(INSERT_INTERVAL="2s", INSERT_INTERVAL_SELDOM="30s")).flush
    assert (flush.seconds, flush.seconds_seldom) == (2.0, 30.0)


def test_rules_are_those_of_the_settings(tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_text('[windows]\nclick = "3d"\nview = "6h"\n')
    rules = stage_rules(_settings(RULES=str(file), PARKING="2d", PSEUDONYM_SECRET="key"))
    assert rules.attribution.default.windows.click == 3 * 86_400_000
    assert rules.attribution.default.windows.view == 6 * 3_600_000
    assert rules.attribution.parking_ms == 2 * 86_400_000
    assert rules.intake.pseudonym_secret == b"key"


def test_limits_of_shared_ids_are_those_of_the_settings() -> None:
    given = {"SHARED_KEY_INSTALLS": "5", "SHARED_ACCOUNT_INSTALLS": "50", "SHARED_KEY_REST": "7d"}
    rules = stage_rules(_settings(**given)).attribution
    assert rules.installs_per_key_day_max == 5
    assert rules.installs_per_account_day_max == 50
    assert rules.shared_key_rest_ms == 7 * DAY_MS


def test_without_settings_the_rules_have_their_own_defaults() -> None:
    rules = stage_rules(_settings())
    assert rules.attribution == Rules()
    assert rules.intake.pseudonym_secret == KNOWN_SECRET
    # The settings cannot take this default from its class: that would import numba.
    assert rules.scoring.tiers == TierRules()


def test_batches_and_the_time_to_stop_are_those_of_the_settings() -> None:
    core = core_settings(_settings(BATCH_RECORDS="300", STOP_TIMEOUT="90s"))
    assert core.poll_records_max == 300
    assert core.batch.records_max == 300
    assert core.batch.queued_records_max == 10_000
    assert core.stop_seconds == 90.0
    assert core_settings(_settings(CATCH_UP_LEAD="36h")).catch_up_lead_ms == 36 * HOUR_MS
    large = core_settings(_settings(BATCH_RECORDS="20000")).batch
    assert large.queued_records_max == 40_000
    assert storing_settings(_settings(STOP_TIMEOUT="90s")).stop_seconds == 90.0
