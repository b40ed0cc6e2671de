"""Every setting of Headwater in one typed tree, read from environment variables.

The tree is made of `msgspec` structs: type, bounds, default, text and example of a setting stand
in one declaration, and msgspec checks them, as it does for events and for TOML files.
pydantic-settings would do the same with two more packages (pydantic and its compiled core) that
nothing else here needs, and would leave to us what `environment.py` does: secrets from `…_FILE`
(its own `secrets_dir` maps names of fields to names of files), refusing unknown variables (it
reads only those it knows), and errors of one line that never quote a secret.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

from msgspec import Struct

from streams.settings.board import BoardSettings
from streams.settings.environment import SettingError, read
from streams.settings.kafka import KafkaSettings
from streams.settings.privacy import PrivacySettings
from streams.settings.rules import ModelSettings, PostbackSettings, RuleSettings
from streams.settings.store import FolderSettings, StoreSettings
from streams.settings.values import Secret
from streams.settings.worker import WorkerSettings

# Read by the tests and by the local development servers, not by Headwater.
_FOREIGN = frozenset({"HEADWATER_REQUIRE", "HEADWATER_JARS"})
EMBEDDED_PARTITIONS_MAX = 4
"""The in-process broker creates every topic with so many partitions, whatever it is asked."""


class Settings(Struct, frozen=True, kw_only=True):
    """What the environment of a process says; without any variables, the defaults."""

    kafka: KafkaSettings = KafkaSettings()
    store: StoreSettings = StoreSettings()
    folders: FolderSettings = FolderSettings()
    worker: WorkerSettings = WorkerSettings()
    board: BoardSettings = BoardSettings()
    privacy: PrivacySettings = PrivacySettings()
    rules: RuleSettings = RuleSettings()
    postbacks: PostbackSettings = PostbackSettings()
    models: ModelSettings = ModelSettings()


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of this process. SettingError: one line about the first wrong one."""
    settings = read(Settings, os.environ if environ is None else environ, _FOREIGN)
    _check(settings)
    return settings


def shown_url(url: Secret) -> str:
    """The address without its password."""
    parts = urlsplit(url.reveal())
    port = f":{parts.port}" if parts.port else ""
    user = f"{parts.username}@" if parts.username else ""
    return urlunsplit((parts.scheme, f"{user}{parts.hostname}{port}", parts.path, "", ""))


def _check(settings: Settings) -> None:
    """What no single setting can tell about itself."""
    kafka = settings.kafka
    if kafka.security_protocol.startswith("SASL") and not (kafka.username and kafka.password):
        raise SettingError(
            f"HEADWATER_KAFKA_SECURITY is {kafka.security_protocol}: "
            "set HEADWATER_KAFKA_USERNAME and HEADWATER_KAFKA_PASSWORD too"
        )
    if (kafka.client_certificate is None) != (kafka.client_key is None):
        raise SettingError(
            "HEADWATER_KAFKA_CLIENT_CERTIFICATE and HEADWATER_KAFKA_CLIENT_KEY: set both or none"
        )
    is_embedded = kafka.brokers is None or kafka.is_in_process
    if is_embedded and kafka.partitions > EMBEDDED_PARTITIONS_MAX:
        raise SettingError(
            f"HEADWATER_PARTITIONS: the embedded broker has {EMBEDDED_PARTITIONS_MAX} partitions "
            "a topic; ask for no more, or set HEADWATER_KAFKA"
        )
    if is_embedded and kafka.generation > 1:
        raise SettingError(
            "HEADWATER_GENERATION: the embedded broker forgets all topics with its process, so "
            "there is one generation only; set HEADWATER_KAFKA"
        )
    if fault := settings.privacy.fault:
        raise SettingError(fault)
    _check_url(settings.store.url)


def _check_url(url: Secret | None) -> None:
    if url is None:
        return
    try:
        parts = urlsplit(url.reveal())
        is_right = parts.scheme in ("clickhouse", "clickhouses") and bool(parts.hostname)
        is_right = is_right and parts.port != 0
    except ValueError:
        is_right = False
    if not is_right:
        raise SettingError(
            "HEADWATER_CLICKHOUSE: its value is not an address such as "
            "clickhouse://user@host:9000/database"
        )
