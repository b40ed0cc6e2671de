"""Times, amounts and currencies as people write them, read as the contract wants them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

MILLION = 1_000_000
YEAR_2001_S = 978_307_200
YEAR_2100_S = 4_102_444_800

_UNITS: tuple[tuple[str, int, int], ...] = (
    ("seconds", 1_000, 1),
    ("milliseconds", 1, 1),
    ("microseconds", 1, 1_000),
    ("nanoseconds", 1, 1_000_000),
)
_SYMBOLS: Mapping[str, str] = {
    "€": "EUR", "EURO": "EUR", "EUROS": "EUR", "$": "USD", "US$": "USD", "DOLLAR": "USD",
    "DOLLARS": "USD", "USD$": "USD", "£": "GBP", "POUND": "GBP", "¥": "JPY", "YEN": "JPY",
    "₽": "RUB", "₹": "INR", "RS": "INR", "₩": "KRW", "R$": "BRL", "₺": "TRY", "TL": "TRY",
    "₴": "UAH", "₪": "ILS", "₫": "VND", "฿": "THB", "₱": "PHP", "₦": "NGN", "KČ": "CZK",
    "ZŁ": "PLN", "C$": "CAD", "CA$": "CAD", "A$": "AUD", "AU$": "AUD", "NZ$": "NZD",
    "HK$": "HKD", "NT$": "TWD", "RMB": "CNY", "MX$": "MXN", "S$": "SGD",
}  # fmt: skip
_AMOUNT = re.compile(r"[-+]?\d[\d.,' \u00a0\u202f]*")


def as_json(value: Any) -> str:
    """A value as its producer wrote it; shortened where it is long."""
    try:
        text = orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        text = str(value)
    return text if len(text) <= 100 else f"{text[:97]}..."


def unit_of_time(number: float) -> str:
    """The unit in which a number is a time between 2001 and 2100; empty when there is none."""
    for unit, times, over in _UNITS:
        if YEAR_2001_S * 1000 <= number * times / over <= YEAR_2100_S * 1000:
            return unit
    return ""


def milliseconds_of(value: Any) -> tuple[int | None, str]:
    """Milliseconds since 1970 of a number or a text, and what was wrong with it."""
    if isinstance(value, bool) or value is None:
        return None, ""
    if isinstance(value, dict):
        return None, "a time is one integer, no object"
    if isinstance(value, str) and (number := _plain_number(value)) is not None:
        found, why = milliseconds_of(number)
        return found, f"without quotes{why and f'; {why}'}"
    if isinstance(value, int | float):
        for unit, times, over in _UNITS:
            if unit == unit_of_time(value):
                why = "" if unit == "milliseconds" else f"{as_json(value)} is in {unit}"
                return round(value * times / over), why or "an integer without decimal point"
        return None, (
            f"{as_json(value)} is no time in milliseconds since 1970, which has 13 digits today"
        )
    return _milliseconds_of_text(str(value).strip())


def _plain_number(text: str) -> float | int | None:
    text = text.strip()
    if re.fullmatch(r"[-+]?\d{1,20}", text):
        return int(text)
    return float(text) if re.fullmatch(r"[-+]?\d{1,20}\.\d+", text) else None


def _milliseconds_of_text(text: str) -> tuple[int | None, str]:
    plain = re.sub(r"\s*(UTC|GMT|Z)\s*$", "+00:00", text.replace("/", "-"))
    plain = re.sub(r" ([-+]\d\d:?\d\d)$", r"\1", plain)
    moment: datetime | None = None
    try:
        moment = datetime.fromisoformat(plain)
    except ValueError:
        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, TypeError, IndexError):
            return None, f"{text[:40]!r} is no time: milliseconds since 1970 in UTC, as an integer"
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
        note = "if that time was in UTC"
    else:
        note = "milliseconds since 1970 in UTC"
    return round(moment.timestamp() * 1000), note


def decimal_of(value: Any) -> Decimal | None:
    """The number that a value or a text with a currency, spaces or separators stands for."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        number = Decimal(str(value))
        return number if number.is_finite() else None
    match = _AMOUNT.search(str(value))
    if match is None:
        return None
    text = re.sub(r"[' \u00a0\u202f]", "", match[0])
    mark = max(text.rfind("."), text.rfind(","))
    if mark >= 0:
        whole, part = text[:mark], text[mark + 1 :]
        grouped = len(part) == 3 and re.fullmatch(r"[-+]?\d{1,3}([.,]\d{3})*", whole)
        is_group = grouped and (text[mark] == "," or whole.count(text[mark]) > 0)
        digits = re.sub(r"[.,]", "", whole)
        text = digits + part if is_group else f"{digits}.{part or 0}"
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def micros_of(value: Any, name: str) -> int | None:
    """An amount in millionths; the name of the field may say that it is in cents or micros.

    A whole number of 10,000 or more is taken for millionths already where the name says micros.
    """
    number = decimal_of(value)
    if number is None or abs(number) > 10**24:
        return None
    plain = name.lower()
    if "micro" in plain and number == int(number) and (isinstance(value, int) or number >= 10_000):
        return int(number)
    if "cent" in plain and "percent" not in plain:
        return round(number * MILLION / 100)
    return round(number * MILLION)


def currency_of_symbol(text: str) -> str:
    """The code of a currency's symbol or name; empty when it is not known, or not one alone."""
    return _SYMBOLS.get(text.strip().upper(), "")
