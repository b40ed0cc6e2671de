"""Decodes conversion values into events and revenue, by the schemas in a TOML file.

An app reports to Apple one of 64 fine values, or one of three coarse ones; only its maker knows
what they mean. A value that no schema describes stays `undecoded`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import msgspec

from attribution.postbacks.conversion_schema import (
    CAMPAIGN_ID_MAX,
    FINE_BITS,
    BitField,
    ConversionBucket,
    Schema,
    SchemaFile,
    identifiers_of,
    span_of,
)
from attribution.postbacks.postback import FINE_VALUE_MAX, NO_NUMBER, Postback

ConversionState = Literal["none", "decoded", "undecoded", "malformed"]
Coarse = tuple[int, str]
"""Sequence index of the postback, and its coarse value."""


class Meaning(NamedTuple):
    """Events, and a range of revenue (both ends included) in micros of the schema's currency."""

    events: tuple[str, ...]
    revenue_min_micros: int
    revenue_max_micros: int


@dataclass(frozen=True, slots=True)
class Decoded:
    """A conversion value as far as a schema describes it."""

    state: ConversionState
    events: list[str] = field(default_factory=list)
    revenue_min_micros: int = 0
    revenue_max_micros: int = 0
    currency: str = ""
    schema_id: str = ""


@dataclass(frozen=True, slots=True)
class Meanings:
    """The meaning of every value that one schema describes; other values are undecoded."""

    fine: Mapping[int, Meaning]
    coarse: Mapping[Coarse, Meaning]
    currency: str


@dataclass(frozen=True, slots=True)
class AppMeanings:
    """The schemas of one app: for certain campaigns, and for all others."""

    by_source_identifier: Mapping[str, Meanings]
    by_campaign_id: Mapping[int, Meanings]
    otherwise: Meanings | None

    def of(self, postback: Postback) -> Meanings | None:
        """The schema for the campaign of this postback; None: there is none."""
        if postback.campaign_id != NO_NUMBER:
            return self.by_campaign_id.get(postback.campaign_id, self.otherwise)
        return self.by_source_identifier.get(postback.source_identifier, self.otherwise)


@dataclass(frozen=True, slots=True)
class ConversionValues:
    """Decodes conversion values. Without schemas nothing is decoded."""

    schema_id: str = ""  # equal ids mean equal schemas
    apps: Mapping[str, AppMeanings] = field(default_factory=dict)

    def decode(self, postback: Postback, app_id: str) -> Decoded:
        """Decode the conversion value of a postback; those of invalid postbacks stay undecoded."""
        value = postback.value
        if value.is_malformed:
            return Decoded("malformed")
        if value.fine == NO_NUMBER and not value.coarse:
            return Decoded("none")
        app = self.apps.get(app_id)
        meanings = app.of(postback) if app and postback.verdict.state == "valid" else None
        if meanings is None:
            return Decoded("undecoded")
        meaning = _meaning(meanings, postback)
        if meaning is None:
            return Decoded("undecoded", schema_id=self.schema_id)
        low, high = meaning.revenue_min_micros, meaning.revenue_max_micros
        currency = meanings.currency if high else ""
        return Decoded("decoded", list(meaning.events), low, high, currency, self.schema_id)


def _meaning(meanings: Meanings, postback: Postback) -> Meaning | None:
    """Look up a value. Only the first postback has a fine value; later ones are coarse."""
    value, index = postback.value, postback.sequence_index
    if value.fine != NO_NUMBER:
        return meanings.fine.get(value.fine) if index == 0 else None
    return meanings.coarse.get((index, value.coarse))


def conversion_values(file: SchemaFile) -> ConversionValues:
    """Make a decoder from valid schemas, as `read_schemas` returns them."""
    by_app: dict[str, list[Schema]] = {}
    for schema in file.schema:
        by_app.setdefault(schema.app_id, []).append(schema)
    schema_id = hashlib.sha256(msgspec.json.encode(file)).hexdigest()[:12]
    return ConversionValues(schema_id, {app: _app(schemas) for app, schemas in by_app.items()})


def _app(schemas: list[Schema]) -> AppMeanings:
    by_identifier: dict[str, Meanings] = {}
    by_campaign: dict[int, Meanings] = {}
    otherwise: Meanings | None = None
    for schema in schemas:
        meanings = _meanings(schema)
        for text in schema.source_identifiers:
            by_identifier.update(dict.fromkeys(identifiers_of(text) or (), meanings))
        for text in schema.campaign_ids:
            span = span_of(text, 1, CAMPAIGN_ID_MAX) or range(0)
            by_campaign.update(dict.fromkeys(span, meanings))
        if not (schema.source_identifiers or schema.campaign_ids):
            otherwise = meanings
    return AppMeanings(by_identifier, by_campaign, otherwise)


def _meanings(schema: Schema) -> Meanings:
    fine = {
        value: _add([one])
        for one in schema.fine
        for value in span_of(one.values, 0, FINE_VALUE_MAX) or ()
    }
    if schema.bits:
        parts = ((value, _buckets_of(value, schema.bits)) for value in range(FINE_VALUE_MAX + 1))
        fine = {value: _add(buckets) for value, buckets in parts if buckets is not None}
    coarse: dict[Coarse, Meaning] = {
        (one.postback, one.value): _add([one]) for one in schema.coarse
    }
    return Meanings(fine, coarse, schema.currency)


def _buckets_of(value: int, fields: list[BitField]) -> list[ConversionBucket] | None:
    """The bucket of every field that is not 0; None if a set bit or a number has no description."""
    buckets: list[ConversionBucket] = []
    for bit_field in fields:
        bits = span_of(bit_field.bits, 0, FINE_BITS - 1) or range(0)
        number = value >> bits.start & (1 << len(bits)) - 1
        value -= number << bits.start
        found = [each for each in bit_field.value if number in (span_of(each.values, 0, 63) or ())]
        if number and not found:
            return None
        buckets += found
    return None if value else buckets


def _add(buckets: Sequence[ConversionBucket]) -> Meaning:
    return Meaning(
        tuple(one.event for one in buckets if one.event),
        sum(one.revenue_min_micros for one in buckets),
        sum(one.revenue_max_micros for one in buckets),
    )
