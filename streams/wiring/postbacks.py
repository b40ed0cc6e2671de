"""Reads the files about postbacks: further keys, and the meaning of conversion values."""

from __future__ import annotations

import msgspec

from attribution.postbacks.conversion_schema import SchemaFile, read_schemas
from attribution.postbacks.keys import trusted_keys
from attribution.postbacks.postback_check import PostbackRules
from schemas.file_error import FileError
from streams.settings import PostbackSettings
from streams.wiring.named_file import read_file


def postback_rules(settings: PostbackSettings) -> PostbackRules:
    """How postbacks are verified and decoded. Stop names the file and the key that is wrong."""
    keys, values = settings.keys, settings.conversion_values
    return PostbackRules(
        own_keys=read_file(keys, "HEADWATER_POSTBACK_KEYS", _own_keys) if keys else {},
        takes_development_keys=settings.takes_development_keys,
        schemas=(
            read_file(values, "HEADWATER_CONVERSION_VALUES", read_schemas)
            if values
            else SchemaFile()
        ),
    )


def _own_keys(text: str) -> dict[str, str]:
    try:
        keys = msgspec.json.decode(text, type=dict[str, str])
    except msgspec.DecodeError as error:
        raise FileError("", f"{error}", "a JSON object of base64 keys by key id") from error
    trusted_keys(keys, takes_development=True)
    return keys
