"""Reads the meaning of conversion values from a TOML file, and refuses what is ambiguous.

One `[[schema]]` per app, and per group of its campaigns where they differ. Fine values are
described by ranges (`[[schema.fine]]`) or by bit fields (`[[schema.bits]]`), coarse values one by
one (`[[schema.coarse]]`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal, TypeVar

from msgspec import Meta, Struct

from attribution.postbacks.postback import FINE_VALUE_MAX
from schemas.currencies import CURRENCIES, HISTORIC
from schemas.file_error import FileError, read_toml

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
        for key, written in _placed("bits", self.bits):
            yield from _placed(f"{key}.value", written.value)


class SchemaFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    schema: list[Schema] = []


def read_schemas(text: str) -> SchemaFile:
    """The meaning of conversion values. FileError: the first key that is wrong or ambiguous."""
    file = read_toml(text, SchemaFile)
    for where, schema in _placed("schema", file.schema):
        _require_valid(where, schema)
    _require_own_campaigns(file.schema)
    return file


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
    """Each item with the path of its key."""
    return ((f"{name}[{index}]", item) for index, item in enumerate(items))


def _require_valid(where: Where, schema: Schema) -> None:
    if schema.currency and schema.currency not in CURRENCIES | HISTORIC.keys():
        raise FileError(
            f"{where}.currency", f"{schema.currency!r} is not a currency", "codes of ISO 4217"
        )
    if schema.fine and schema.bits:
        raise FileError(
            f"{where}.bits", "describe fine values by ranges (fine) or by bits, not by both"
        )
    if not (schema.fine or schema.bits or schema.coarse):
        raise FileError(where, "it describes no value: give fine, bits or coarse")
    for key, bucket in schema.buckets():
        _require_meaning(f"{where}.{key}", bucket, schema.currency)
    _require_ranges(f"{where}.fine", schema.fine, FINE_VALUE_MAX)
    _require_bits(f"{where}.bits", schema.bits)
    seen: set[tuple[int, str]] = set()
    for key, coarse in _placed(f"{where}.coarse", schema.coarse):
        if (coarse.postback, coarse.value) in seen:
            raise FileError(
                key, f"{coarse.value!r} of postback {coarse.postback} is described twice"
            )
        seen.add((coarse.postback, coarse.value))


def _require_meaning(where: Where, bucket: ConversionBucket, currency: str) -> None:
    if bucket.revenue_min_micros > bucket.revenue_max_micros:
        raise FileError(f"{where}.revenue_min_micros", "it is more than revenue_max_micros")
    if bucket.revenue_max_micros and not currency:
        raise FileError(where, "it has revenue, but its schema has no currency")
    if not bucket.event and not bucket.revenue_max_micros:
        raise FileError(where, "it stands for nothing: give event or revenue_max_micros")


def _require_ranges(where: Where, ranges: list[ValueRange], last: int) -> None:
    texts = ((f"{key}.values", written.values) for key, written in _placed(where, ranges))
    _require_no_overlap(texts, last)


def _require_bits(where: Where, fields: list[BitField]) -> None:
    placed = list(_placed(where, fields))
    _require_no_overlap(((f"{key}.bits", written.bits) for key, written in placed), FINE_BITS - 1)
    for key, written in placed:
        bits = span_of(written.bits, 0, FINE_BITS - 1) or range(FINE_BITS)
        _require_ranges(f"{key}.value", written.value, 2 ** len(bits) - 1)


def _require_no_overlap(texts: Iterable[tuple[Where, str]], last: int) -> None:
    """FileError for a range that is none, or that shares a number with an earlier one."""
    taken: dict[int, str] = {}
    for where, text in texts:
        span = span_of(text, 0, last)
        if span is None:
            raise FileError(where, f"{text!r} is not a range", f"within 0-{last}, such as 1-{last}")
        clash = next((taken[number] for number in span if number in taken), None)
        if clash is not None:
            raise FileError(where, f"{text!r} overlaps {clash!r}")
        taken.update(dict.fromkeys(span, text))


def _require_own_campaigns(schemas: list[Schema]) -> None:
    """FileError unless each campaign of an app has one schema, and all others share one."""
    taken: dict[tuple[str, str | int], Where] = {}
    for where, schema in _placed("schema", schemas):
        for key, campaigns in _campaigns(where, schema):
            keys = [(schema.app_id, campaign) for campaign in campaigns]
            clash = next((taken[key] for key in keys if key in taken), None)
            if clash is not None:
                raise FileError(key, f"it describes campaigns that {clash} describes too")
            taken.update(dict.fromkeys(keys, key))


def _campaigns(
    where: Where, schema: Schema
) -> Iterator[tuple[Where, Iterable[str] | Iterable[int]]]:
    for key, text in _placed(f"{where}.source_identifiers", schema.source_identifiers):
        identifiers = identifiers_of(text)
        if identifiers is None:
            raise FileError(
                key, f"{text!r} is not a range of campaigns", "2 to 4 digits, such as 10-19"
            )
        yield key, identifiers
    for key, text in _placed(f"{where}.campaign_ids", schema.campaign_ids):
        span = span_of(text, 1, CAMPAIGN_ID_MAX)
        if span is None:
            raise FileError(
                key, f"{text!r} is not a range of campaigns", f"within 1-{CAMPAIGN_ID_MAX}"
            )
        yield key, span
    if not (schema.source_identifiers or schema.campaign_ids):
        yield where, [""]
