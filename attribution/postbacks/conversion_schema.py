"""Reads the rules that say what conversion values stand for, and refuses what is ambiguous.

One `[[schema]]` per app, and per group of its campaigns where they differ. Fine values are
described by ranges (`[[schema.fine]]`) or by bit fields (`[[schema.bits]]`), coarse values one by
one (`[[schema.coarse]]`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from attribution.postbacks.postback import FINE_VALUE_MAX
from schemas.currencies import CURRENCIES

FINE_BITS = 6
CAMPAIGN_ID_MAX = 100  # before SKAdNetwork 4
IDENTIFIER_DIGITS_MAX = 4

T = TypeVar("T")
Where = str
RevenueMicros = Annotated[int, Meta(ge=0, le=10**15)]


class ConversionBucket(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a value stands for: something happened, or was earned, or both."""

    event: Annotated[str, Meta(max_length=256)] = ""
    revenue_min_micros: RevenueMicros = 0
    revenue_max_micros: RevenueMicros = 0


class ValueRange(ConversionBucket, frozen=True, kw_only=True, forbid_unknown_fields=True):
    values: str  # "7" or "1-10"


class BitField(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Some neighbouring bits of the fine value, a number of its own; 0 stands for nothing."""

    bits: str  # "0" or "1-3", counted from the lowest
    value: list[ValueRange]


class CoarseBucket(ConversionBucket, frozen=True, kw_only=True, forbid_unknown_fields=True):
    postback: Literal[0, 1, 2]  # sequence index: days 0-2, 3-7, 8-35
    value: Literal["low", "medium", "high"]


class Schema(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    app_id: Annotated[str, Meta(min_length=1, max_length=256)]
    currency: str = ""
    source_identifiers: list[str] = []  # "5239" or "10-19", by their last digits
    campaign_ids: list[str] = []  # "7" or "1-20"; neither of the two: all other campaigns
    fine: list[ValueRange] = []
    bits: list[BitField] = []
    coarse: list[CoarseBucket] = []

    def buckets(self) -> Iterator[tuple[Where, ConversionBucket]]:
        yield from _placed("fine", self.fine)
        yield from _placed("coarse", self.coarse)
        for at, one in _placed("bits", self.bits):
            yield from _placed(f"{at}.value", one.value)


class SchemaFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    schema: list[Schema] = []


@dataclass(frozen=True, slots=True)
class SchemaFault:
    """The first thing that is wrong, and at which key."""

    where: Where  # such as schema[0].fine[2].values; "" when the file is no TOML
    why: str


def read_schemas(text: str) -> SchemaFile | SchemaFault:
    """The rules in a TOML text, if they are sound."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return SchemaFault("", str(error))
    try:
        file = msgspec.convert(tables, SchemaFile)
    except msgspec.ValidationError as error:
        why, _, path = str(error).partition(" - at `$.")
        return SchemaFault(path.rstrip("`"), why)
    faults = chain(*(_faults(*placed) for placed in _placed("schema", file.schema)))
    return next(chain(faults, _shared_campaigns(file.schema)), None) or file


def span_of(text: str, first: int, last: int) -> range | None:
    """The numbers of "7" or "1-10"; None if that is no range from `first` to `last`."""
    low, dash, high = text.partition("-")
    ends = [low, high if dash else low]
    if not all(end.isascii() and end.isdecimal() and len(end) < 6 for end in ends):
        return None
    span = range(int(ends[0]), int(ends[1]) + 1)
    return span if span and span[0] >= first and span[-1] <= last else None


def identifiers_of(text: str) -> list[str] | None:
    """Every source identifier that ends like one of "10-19"; None if that is no such range.

    Apple tells two, three or four digits of an identifier, the last ones always.
    """
    low, dash, high = text.partition("-")
    digits = len(low)
    span = span_of(text, 0, 10**digits - 1)
    if span is None or not 2 <= digits <= IDENTIFIER_DIGITS_MAX or (dash and len(high) != digits):
        return None
    endings = [f"{number:0{digits}}" for number in span]
    return [
        (f"{before:0{more}}" if more else "") + ending
        for more in range(IDENTIFIER_DIGITS_MAX - digits + 1)
        for before in range(10**more)
        for ending in endings
    ]


def _placed(name: str, items: Iterable[T]) -> Iterator[tuple[Where, T]]:
    return ((f"{name}[{at}]", one) for at, one in enumerate(items))


def _faults(where: Where, schema: Schema) -> Iterator[SchemaFault]:
    if schema.currency and schema.currency not in CURRENCIES:
        yield SchemaFault(f"{where}.currency", f"{schema.currency!r} is no ISO 4217 currency")
    if schema.fine and schema.bits:
        yield SchemaFault(f"{where}.bits", "describe fine values by ranges or by bits, not by both")
    if not (schema.fine or schema.bits or schema.coarse):
        yield SchemaFault(where, "describes no value: give fine, bits or coarse")
    for place, bucket in schema.buckets():
        yield from _bucket_faults(f"{where}.{place}", bucket, schema.currency)
    yield from _range_faults(f"{where}.fine", schema.fine, FINE_VALUE_MAX)
    yield from _bit_faults(f"{where}.bits", schema.bits)
    seen: set[tuple[int, str]] = set()
    for place, one in _placed(f"{where}.coarse", schema.coarse):
        if (one.postback, one.value) in seen:
            yield SchemaFault(place, f"{one.value!r} of postback {one.postback} is described twice")
        seen.add((one.postback, one.value))


def _bucket_faults(where: Where, bucket: ConversionBucket, currency: str) -> Iterator[SchemaFault]:
    if bucket.revenue_min_micros > bucket.revenue_max_micros:
        yield SchemaFault(f"{where}.revenue_min_micros", "is more than revenue_max_micros")
    if bucket.revenue_max_micros and not currency:
        yield SchemaFault(where, "has revenue, but its schema no currency")
    if not bucket.event and not bucket.revenue_max_micros:
        yield SchemaFault(where, "stands for nothing: give event or revenue_max_micros")


def _range_faults(where: Where, ranges: list[ValueRange], last: int) -> Iterator[SchemaFault]:
    texts = ((f"{place}.values", one.values) for place, one in _placed(where, ranges))
    yield from _overlaps(texts, last)


def _bit_faults(where: Where, fields: list[BitField]) -> Iterator[SchemaFault]:
    placed = list(_placed(where, fields))
    yield from _overlaps(((f"{place}.bits", one.bits) for place, one in placed), FINE_BITS - 1)
    for place, one in placed:
        bits = span_of(one.bits, 0, FINE_BITS - 1) or range(FINE_BITS)
        yield from _range_faults(f"{place}.value", one.value, 2 ** len(bits) - 1)


def _overlaps(texts: Iterable[tuple[Where, str]], last: int) -> Iterator[SchemaFault]:
    """Ranges that are none, or that share a number with an earlier one."""
    taken: dict[int, str] = {}
    for where, text in texts:
        span = span_of(text, 0, last)
        if span is None:
            yield SchemaFault(where, f"{text!r} is no range within 0-{last}, such as 1 or 1-{last}")
            continue
        clash = next((taken[number] for number in span if number in taken), None)
        if clash is not None:
            yield SchemaFault(where, f"{text!r} overlaps {clash!r}")
        taken.update(dict.fromkeys(span, text))


def _shared_campaigns(schemas: list[Schema]) -> Iterator[SchemaFault]:
    """A campaign of an app has one schema, and all the others of the app share one."""
    taken: dict[tuple[str, str | int], Where] = {}
    for where, schema in _placed("schema", schemas):
        for place, campaigns in _campaigns(where, schema):
            if campaigns is None:
                yield SchemaFault(place, "is no range of campaigns, such as 10-19")
                continue
            keys = [(schema.app_id, campaign) for campaign in campaigns]
            clash = next((taken[key] for key in keys if key in taken), None)
            if clash is not None:
                yield SchemaFault(place, f"describes campaigns that {clash} describes too")
            taken.update(dict.fromkeys(keys, place))


def _campaigns(
    where: Where, schema: Schema
) -> Iterator[tuple[Where, Iterable[str] | Iterable[int] | None]]:
    for place, text in _placed(f"{where}.source_identifiers", schema.source_identifiers):
        yield place, identifiers_of(text)
    for place, text in _placed(f"{where}.campaign_ids", schema.campaign_ids):
        yield place, span_of(text, 1, CAMPAIGN_ID_MAX)
    if not (schema.source_identifiers or schema.campaign_ids):
        yield where, [""]
