"""Reads the files about postbacks: further keys, and what conversion values stand for."""

from __future__ import annotations

from pathlib import Path

import msgspec

from attribution.postbacks.checking import PostbackRules
from attribution.postbacks.conversion_schema import SchemaFault, read_schemas
from attribution.postbacks.conversion_values import ConversionValues, conversion_values
from attribution.postbacks.keys import KeyFault, Keys, trusted_keys
from streams.errors import Stop
from streams.settings import PostbackSettings


def postback_rules(settings: PostbackSettings) -> PostbackRules:
    """Stop names the file and the key that is wrong."""
    return PostbackRules(
        keys=_keys(settings.keys, takes_development=settings.takes_development_keys),
        values=_values(settings.conversion_values),
    )


def _keys(path: Path | None, *, takes_development: bool) -> Keys:
    own = {} if path is None else _key_texts(path)
    keys = trusted_keys(own, takes_development=takes_development)
    if isinstance(keys, KeyFault):
        raise Stop(f"HEADWATER_POSTBACK_KEYS: {path}: {keys.key_id} {keys.problem}")
    return keys


def _key_texts(path: Path) -> dict[str, str]:
    text = _text("HEADWATER_POSTBACK_KEYS", path)
    try:
        return msgspec.json.decode(text, type=dict[str, str])
    except msgspec.DecodeError as error:
        raise Stop(
            f"HEADWATER_POSTBACK_KEYS: {path} is no JSON object of base64 keys by key id: {error}"
        ) from error


def _values(path: Path | None) -> ConversionValues:
    if path is None:
        return ConversionValues()
    file = read_schemas(_text("HEADWATER_CONVERSION_VALUES", path))
    if isinstance(file, SchemaFault):
        where = f" at {file.where}" if file.where else ""
        raise Stop(f"HEADWATER_CONVERSION_VALUES: {path}{where}: {file.why}")
    return conversion_values(file)


def _text(variable: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise Stop(f"{variable}: cannot read {path}: {reason}") from error
