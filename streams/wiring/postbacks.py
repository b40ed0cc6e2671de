"""Reads the files about postbacks: further keys, and what conversion values stand for."""

from __future__ import annotations

from pathlib import Path

import msgspec

from attribution.postbacks.conversion_schema import SchemaFault, SchemaFile, read_schemas
from attribution.postbacks.keys import KeyFault, trusted_keys
from attribution.postbacks.postback_check import PostbackRules
from streams.errors import Stop
from streams.settings import PostbackSettings


def postback_rules(settings: PostbackSettings) -> PostbackRules:
    """Stop names the file and the key that is wrong."""
    keys, values = settings.keys, settings.conversion_values
    return PostbackRules(
        own_keys=_keys(keys) if keys else {},
        takes_development_keys=settings.takes_development_keys,
        schemas=_schemas(values) if values else SchemaFile(),
    )


def _keys(path: Path) -> dict[str, str]:
    text = _text("HEADWATER_POSTBACK_KEYS", path)
    try:
        own = msgspec.json.decode(text, type=dict[str, str])
    except msgspec.DecodeError as error:
        raise Stop(
            f"HEADWATER_POSTBACK_KEYS: {path} is no JSON object of base64 keys by key id: {error}"
        ) from error
    fault = trusted_keys(own, takes_development=True)
    if isinstance(fault, KeyFault):
        raise Stop(f"HEADWATER_POSTBACK_KEYS: {path}: {fault.key_id} {fault.problem}")
    return own


def _schemas(path: Path) -> SchemaFile:
    file = read_schemas(_text("HEADWATER_CONVERSION_VALUES", path))
    if isinstance(file, SchemaFault):
        where = f" at {file.where}" if file.where else ""
        raise Stop(f"HEADWATER_CONVERSION_VALUES: {path}{where}: {file.why}")
    return file


def _text(variable: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise Stop(f"{variable}: cannot read {path}: {reason}") from error
