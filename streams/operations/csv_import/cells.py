"""Reads what spreadsheets write into cells: one meaning, or an error that says why not."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from schemas.parts import MICROS_MAX

MICROS_OF_UNIT = {"major": 1_000_000, "minor": 10_000, "micros": 1}
_SIGNS = {"€": "EUR", "£": "GBP", "₹": "INR", "₩": "KRW", "₽": "RUB", "₺": "TRY", "₴": "UAH"}
_SHARED_SIGNS = {
    "$": ("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN"),
    "¥": ("JPY", "CNY"),
    "kr": ("SEK", "NOK", "DKK"),
}
_MONEY = re.compile(
    r"(?P<before>[^\d\s.,+()-]*)\s*(?P<number>[\d.,' ]*\d)\s*(?P<after>[^\d\s.,()-]*)"
)
_GROUPED = re.compile(r"\d{1,3}(,\d{3})+")
_SECONDS = re.compile(r"\d{9,10}(\.\d+)?")
_MILLISECONDS = re.compile(r"\d{12,13}")
_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class CellError(ValueError):
    """A cell has no single meaning: what is wrong, and what to do."""


def read_time(text: str, layout: str, zone: ZoneInfo | None) -> int:
    """Milliseconds since 1970. `zone`: of times that do not say theirs."""
    if not layout and _MILLISECONDS.fullmatch(text):
        return int(text)
    if not layout and _SECONDS.fullmatch(text):
        return int(Decimal(text) * 1000)
    moment = _moment(text, layout)
    if moment.tzinfo is None:
        if zone is None:
            raise CellError(f"{text!r} does not say its time zone: set time_zone in the map")
        moment = _in_zone(moment, zone, text)
    return int(moment.timestamp() * 1000)


def _in_zone(moment: datetime, zone: ZoneInfo, text: str) -> datetime:
    local = moment.replace(tzinfo=zone)
    try:
        moment = local.astimezone(UTC)
        was = moment.astimezone(zone)
    except OverflowError:
        raise CellError(f"{text!r} is beyond the years of calendars: mend it") from None
    if was.replace(tzinfo=None) != local.replace(tzinfo=None):
        raise CellError(f"{text!r} did not exist in {zone.key}: clocks were put forward")
    return moment


def _moment(text: str, layout: str) -> datetime:
    if layout:
        moment = _by_layout(text, layout)
        if moment is None:
            raise CellError(_not_of_layout(text, layout))
        return moment
    if not _ISO_DAY.match(text):
        raise CellError(
            f"{text!r} is not ISO 8601, nor seconds or milliseconds since 1970: set time_format, "
            "such as '%d/%m/%Y' or '%m/%d/%Y'"
        )
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise CellError(f"{text!r} is no moment of ISO 8601: mend it, or set time_format") from None


def _by_layout(text: str, layout: str) -> datetime | None:
    try:
        return datetime.strptime(text, layout)
    except ValueError:
        return None


def _not_of_layout(text: str, layout: str) -> str:
    """A day above 12 gives away that the rows of days below it were misread without a word."""
    other = layout.translate(str.maketrans("dm", "md")) if "%d" in layout else layout
    wrong = f"{text!r} is not a time of the form {layout!r}"
    if other != layout and _by_layout(text, other):
        return (
            f"{wrong} but of {other!r}: mend time_format, or the file; rows of days up to 12 may "
            "have day and month exchanged"
        )
    return f"{wrong}: mend time_format"


def read_money(text: str, decimal: str, unit: str, currency: str) -> tuple[int, str]:
    """Micros, and the currency: the declared one, or the one that a sign names."""
    found = _MONEY.fullmatch(text.lstrip("+-").strip("()").replace("\u00a0", " "))
    if found is None:
        raise CellError(f"{text!r} is no amount: write digits, such as 12.50")
    if text.startswith(("-", "(")):
        raise CellError(f"{text!r} is below 0: money given back is a row of an event refund")
    for sign in (found["before"].strip(), found["after"].strip()):
        currency = _currency(sign, currency, text) if sign else currency
    if not currency:
        raise CellError(f"{text!r} has no currency: map a column, or set it in constants")
    micros = (
        read_decimal(found["number"].replace(" ", "").replace("'", ""), decimal)
        * MICROS_OF_UNIT[unit]
    )
    if micros != micros.to_integral_value():
        raise CellError(f"{text!r} is finer than a millionth: round it, or mend amount_unit")
    if micros > MICROS_MAX:
        raise CellError(f"{text!r} is more money than there is: mend it, or amount_unit")
    return int(micros), currency


def _currency(sign: str, declared: str, text: str) -> str:
    named = sign.upper() if re.fullmatch(r"[A-Za-z]{3}", sign) else _SIGNS.get(sign, "")
    shared = _SHARED_SIGNS.get(sign, ())
    if not named and not shared:
        raise CellError(f"{text!r} has a sign {sign!r} that is not known: remove it")
    if shared and not declared:
        raise CellError(f"{text!r} may be {' or '.join(shared)}: set currency in constants")
    if declared and declared != named and declared not in shared:
        raise CellError(f"{text!r} is not {declared}, as the row or the map says: mend either")
    return declared or named


def read_decimal(text: str, decimal: str) -> Decimal:
    """A number as written where `decimal` is the mark of the fraction; "": if it is plain which."""
    mark = decimal or _mark(text)
    other = "," if mark == "." else "."
    whole, _, rest = text.partition(mark)
    plain = whole.replace(other, ",")
    if "," in plain and not _GROUPED.fullmatch(plain):
        raise CellError(f"{text!r} is no number with {mark!r} as decimal: set decimal in the map")
    if not rest.isdigit() and (mark in text or rest):
        raise CellError(f"{text!r} is no number with {mark!r} as decimal: set decimal in the map")
    return Decimal(f"{plain.replace(',', '') or '0'}.{rest or '0'}")


def _mark(text: str) -> str:
    """The mark of the fraction, where there is only one way to read the number."""
    marks = [one for one in text if one in ".,"]
    if not marks:
        return "."
    if len(set(marks)) == 2:
        return marks[-1]
    if len(marks) > 1:
        return "," if marks[0] == "." else "."
    if len(text) - text.index(marks[0]) == 4 and text[0] != "0":
        raise CellError(f"{text!r} may be thousands or a fraction: set decimal in the map")
    return marks[0]


def read_whole(text: str) -> int:
    """A whole number; 3.0 is one."""
    try:
        number = Decimal(text)
        is_whole = number.is_finite() and abs(number) <= 2**53 and number == int(number)
    except ArithmeticError:
        is_whole = False
    if not is_whole:
        raise CellError(f"{text!r} is no whole number: write digits alone")
    return int(number)
