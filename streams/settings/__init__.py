"""Settings: one typed tree that is read from environment variables, each variable once.

`Settings` is the tree and `read_settings` reads it; `core` and `storing` hold the plain values
that the workers take, which `streams.wiring` derives from the tree.
"""

from streams.settings.board import BoardSettings
from streams.settings.environment import SettingError
from streams.settings.kafka import KafkaSettings
from streams.settings.privacy import PrivacySettings
from streams.settings.rules import ModelSettings, PostbackSettings, RuleSettings
from streams.settings.store import FolderSettings, StoreSettings
from streams.settings.tree import Settings, read_settings, shown_url
from streams.settings.values import Secret
from streams.settings.worker import WorkerSettings

__all__ = [
    "BoardSettings",
    "FolderSettings",
    "KafkaSettings",
    "ModelSettings",
    "PostbackSettings",
    "PrivacySettings",
    "RuleSettings",
    "Secret",
    "SettingError",
    "Settings",
    "StoreSettings",
    "WorkerSettings",
    "read_settings",
    "shown_url",
]
