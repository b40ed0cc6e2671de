"""Conversion values mean what a schema says; what it does not describe is kept undecoded."""

from __future__ import annotations

from typing import Any

import pytest

from attribution.postbacks.conversion_schema import (
    identifiers_of,
    read_schemas,
    span_of,
)
from attribution.postbacks.conversion_values import ConversionValues, Decoded, conversion_values
from attribution.postbacks.postback import ConversionValue, Postback
from attribution.postbacks.signature_verdict import SignatureReason, SignatureVerdict
from schemas.file_error import FileError

RANGES = """
[[schema]]
app_id = "puzzle"
currency = "EUR"

[[schema.fine]]
values = "0"
event = "open"

[[schema.fine]]
values = "1-10"
event = "purchase"
revenue_min_micros = 10_000
revenue_max_micros = 4_990_000

[[schema.coarse]]
postback = 0
value = "low"
event = "open"

[[schema.coarse]]
postback = 2
value = "high"
revenue_max_micros = 50_000_000
"""

BITS = """
[[schema]]
app_id = "puzzle"
currency = "USD"

[[schema.bits]]
bits = "0"
value = [{ values = "1", event = "tutorial" }]

[[schema.bits]]
bits = "1-2"
value = [
    { values = "1-2", event = "level", revenue_max_micros = 1 },
    { values = "3", event = "boss" },
]

[[schema.bits]]
bits = "4-5"
value = [{ values = "1-3", revenue_min_micros = 5, revenue_max_micros = 9 }]
"""


def values(text: str) -> ConversionValues:
    return conversion_values(read_schemas(text))


def postback(value: ConversionValue, **fields: Any) -> Postback:
    content: dict[str, Any] = {"sequence_index": 0, "verdict": SignatureVerdict(None), **fields}
    return Postback(framework="skadnetwork", value=value, **content)


def decoded(text: str, value: ConversionValue, **fields: Any) -> Decoded:
    return values(text).decode(postback(value, **fields), "puzzle")


def fine(value: int) -> ConversionValue:
    return ConversionValue(fine=value)


def test_a_range_gives_its_event_and_its_revenue_in_the_currency_of_the_schema() -> None:
    for value in (1, 10):
        found = decoded(RANGES, fine(value))
        assert (found.state, found.events) == ("decoded", ["purchase"])
        assert (found.revenue_min_micros, found.revenue_max_micros) == (10_000, 4_990_000)
        assert found.currency == "EUR"


def test_without_revenue_there_is_no_currency() -> None:
    found = decoded(RANGES, fine(0))
    assert (found.events, found.currency, found.revenue_max_micros) == (["open"], "", 0)


def test_what_no_range_describes_is_undecoded_and_kept() -> None:
    found = decoded(RANGES, fine(11))
    assert (found.state, found.events, found.revenue_max_micros) == ("undecoded", [], 0)
    assert found.schema_id == values(RANGES).schema_id


def test_fine_values_come_with_the_first_postback_only() -> None:
    assert decoded(RANGES, fine(1), sequence_index=1).state == "undecoded"


def test_coarse_values_mean_something_else_in_every_window() -> None:
    assert decoded(RANGES, ConversionValue(coarse="low")).events == ["open"]
    late = decoded(RANGES, ConversionValue(coarse="high"), sequence_index=2)
    assert (late.state, late.revenue_max_micros) == ("decoded", 50_000_000)
    assert decoded(RANGES, ConversionValue(coarse="low"), sequence_index=1).state == "undecoded"


@pytest.mark.parametrize(
    ("value", "events", "low", "high"),
    [
        (0b000000, [], 0, 0),
        (0b000001, ["tutorial"], 0, 0),
        (0b000100, ["level"], 0, 1),
        (0b000111, ["tutorial", "boss"], 0, 0),
        (0b110011, ["tutorial", "level"], 5, 10),
    ],
)
def test_bit_fields_add_up(value: int, events: list[str], low: int, high: int) -> None:
    found = decoded(BITS, fine(value))
    assert (found.state, found.events) == ("decoded", events)
    assert (found.revenue_min_micros, found.revenue_max_micros) == (low, high)


def test_a_bit_that_no_field_describes_leaves_the_value_undecoded() -> None:
    assert decoded(BITS, fine(0b001001)).state == "undecoded"


def test_every_fine_value_means_what_a_naive_reading_of_the_bits_says() -> None:
    for value in range(64):
        digits = f"{value:06b}"[::-1]  # lowest bit first
        first, level, spare, spent = digits[0], digits[1:3], digits[3], digits[4:6]
        events = ["tutorial"] * (first == "1")
        events += {"00": [], "10": ["level"], "01": ["level"], "11": ["boss"]}[level]
        found = decoded(BITS, fine(value))
        assert found.state == ("decoded" if spare == "0" else "undecoded")
        if spare == "0":
            assert found.events == events
            assert found.revenue_min_micros == (5 if spent != "00" else 0)


def test_only_valid_postbacks_are_decoded() -> None:
    forged = postback(fine(1), verdict=SignatureVerdict(SignatureReason.BAD_SIGNATURE))
    assert values(RANGES).decode(forged, "puzzle").state == "undecoded"


def test_an_app_without_schema_keeps_its_values_undecoded() -> None:
    assert values(RANGES).decode(postback(fine(1)), "racing") == Decoded("undecoded")
    assert ConversionValues().decode(postback(fine(1)), "puzzle") == Decoded("undecoded")


def test_no_value_and_an_impossible_one_are_told_apart() -> None:
    assert decoded(RANGES, ConversionValue()).state == "none"
    assert decoded(RANGES, ConversionValue(is_malformed=True)).state == "malformed"


CAMPAIGNS = """
[[schema]]
app_id = "puzzle"
fine = [{ values = "0-63", event = "all others" }]
[[schema]]
app_id = "puzzle"
source_identifiers = ["10-19"]
campaign_ids = ["7"]
fine = [{ values = "0-63", event = "teens" }]
[[schema]]
app_id = "puzzle"
source_identifiers = ["5200-5209"]
fine = [{ values = "0-63", event = "four digits" }]
"""


@pytest.mark.parametrize(
    ("fields", "event"),
    [
        ({"source_identifier": "5217"}, "teens"),  # Apple always tells the last digits
        ({"source_identifier": "217"}, "teens"),
        ({"source_identifier": "17"}, "teens"),
        ({"source_identifier": "5205"}, "four digits"),
        ({"source_identifier": "205"}, "all others"),  # could be of any of ten campaigns
        ({"source_identifier": "20"}, "all others"),
        ({"campaign_id": 7}, "teens"),
        ({"campaign_id": 17}, "all others"),
    ],
)
def test_campaigns_may_have_schemas_of_their_own(fields: dict[str, Any], event: str) -> None:
    assert decoded(CAMPAIGNS, fine(3), **fields).events == [event]


def test_equal_rules_have_equal_ids_and_others_do_not() -> None:
    assert values(RANGES).schema_id == values(f"# a comment\n{RANGES}").schema_id
    assert values(RANGES).schema_id != values(RANGES.replace('"1-10"', '"1-9"')).schema_id


SCHEMA = '[[schema]]\napp_id = "puzzle"\n'
OPEN = 'event = "open"'


@pytest.mark.parametrize(
    ("text", "where", "why"),
    [
        ("[[schema", "", "']]'"),
        ('[[schemas]]\napp_id = "x"', "", "unknown key 'schemas', did you mean schema?"),
        ("[[schema]]", "schema[0]", "app_id"),
        (SCHEMA, "schema[0]", "no value"),
        (f"{SCHEMA}window = 1", "schema[0]", "unknown key 'window'"),
        (f'{SCHEMA}currency = "EURO"', "schema[0].currency", "'EURO'"),
        (f'{SCHEMA}fine = [{{ values = "64", {OPEN} }}]', "schema[0].fine[0].values", "0-63"),
        (f'{SCHEMA}fine = [{{ values = "5-1", {OPEN} }}]', "schema[0].fine[0].values", "'5-1'"),
        (f'{SCHEMA}fine = [{{ values = "", {OPEN} }}]', "schema[0].fine[0].values", "''"),
        (f"{SCHEMA}fine = [{{ values = 7, {OPEN} }}]", "schema[0].fine[0].values", "`str`"),
        (f'{SCHEMA}fine = [{{ values = "1-3", {OPEN} }}, {{ values = "3-4", {OPEN} }}]',
         "schema[0].fine[1].values", "overlaps '1-3'"),
        (f'{SCHEMA}fine = [{{ values = "1", {OPEN}, revenue = 1 }}]',
         "schema[0].fine[0]", "unknown key 'revenue'"),
        (f'{SCHEMA}fine = [{{ values = "1" }}]', "schema[0].fine[0]", "stands for nothing"),
        (f'{SCHEMA}fine = [{{ values = "1", revenue_max_micros = 1 }}]',
         "schema[0].fine[0]", "no currency"),
        (f'{SCHEMA}fine = [{{ values = "1", revenue_max_micros = -1 }}]',
         "schema[0].fine[0].revenue_max_micros", ">= 0"),
        (f'{SCHEMA}fine = [{{ values = "1", revenue_max_micros = 1.5 }}]',
         "schema[0].fine[0].revenue_max_micros", "`int`"),
        (f'{SCHEMA}fine = [{{ values = "1", {OPEN}, revenue_min_micros = 1 }}]',
         "schema[0].fine[0].revenue_min_micros", "more than"),
        (f'{SCHEMA}coarse = [{{ postback = 3, value = "low", {OPEN} }}]',
         "schema[0].coarse[0].postback", "3"),
        (f'{SCHEMA}coarse = [{{ postback = 0, value = "top", {OPEN} }}]',
         "schema[0].coarse[0].value", "'top'"),
        (f'{SCHEMA}coarse = [{{ postback = 0, value = "low", {OPEN} }},'
         f' {{ postback = 0, value = "low", {OPEN} }}]', "schema[0].coarse[1]", "twice"),
        (f'{SCHEMA}bits = [{{ bits = "6", value = [] }}]', "schema[0].bits[0].bits", "0-5"),
        (f'{SCHEMA}bits = [{{ bits = "0-1", value = [] }}, {{ bits = "1-2", value = [] }}]',
         "schema[0].bits[1].bits", "overlaps"),
        (f'{SCHEMA}bits = [{{ bits = "0-1", value = [{{ values = "4", {OPEN} }}] }}]',
         "schema[0].bits[0].value[0].values", "0-3"),
        (f'{SCHEMA}bits = [{{ bits = "0", value = [{{ values = "1" }}] }}]',
         "schema[0].bits[0].value[0]", "stands for nothing"),
        (f'{SCHEMA}fine = [{{ values = "1", {OPEN} }}]\nbits = [{{ bits = "0", value = [] }}]',
         "schema[0].bits", "not by both"),
        (f'{SCHEMA}fine = [{{ values = "1", {OPEN} }}]\nsource_identifiers = ["9"]',
         "schema[0].source_identifiers[0]", "is not a range of campaigns"),
        (f'{SCHEMA}fine = [{{ values = "1", {OPEN} }}]\ncampaign_ids = ["1-101"]',
         "schema[0].campaign_ids[0]", "is not a range of campaigns"),
        (2 * f'{SCHEMA}fine = [{{ values = "1", {OPEN} }}]\n', "schema[1]", "schema[0]"),
        (f'{SCHEMA}fine = [{{ values = "1", {OPEN} }}]\nsource_identifiers = ["10-19"]\n'
         f'{SCHEMA}fine = [{{ values = "1", {OPEN} }}]\nsource_identifiers = ["5219-5220"]',
         "schema[1].source_identifiers[0]", "schema[0].source_identifiers[0]"),
    ],
)  # fmt: skip
def test_an_ambiguous_schema_is_refused_by_the_key_that_is_wrong(
    text: str, where: str, why: str
) -> None:
    with pytest.raises(FileError) as refused:
        read_schemas(text)
    assert refused.value.where == where
    assert why in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["", "-", "1-", "-1", "a", "1-2-3", "٣", "1 - 2", "9" * 9])
def test_what_is_no_range_is_none(text: str) -> None:
    assert span_of(text, 0, 63) is None


def test_a_range_of_identifiers_is_found_in_longer_ones_by_their_endings() -> None:
    found = identifiers_of("07-08")
    assert found is not None
    expected = {
        f"{number:0{digits}}"
        for digits in (2, 3, 4)
        for number in range(10**digits)
        if 7 <= number % 100 <= 8
    }
    assert sorted(found) == sorted(expected)
    assert identifiers_of("5-12") is None
