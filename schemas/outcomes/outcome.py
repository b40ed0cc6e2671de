"""What every outcome has."""

from __future__ import annotations

from msgspec import Struct, json


class Outcome(Struct, frozen=True, kw_only=True, gc=False):
    schema_version: int = 1


encoder = json.Encoder()
