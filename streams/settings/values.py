"""Types of settings that have a notation of their own."""

from __future__ import annotations

import re
from typing import ClassVar, Protocol, Self

import msgspec

from schemas.time import DAY_MS, parse_duration

CHALLENGERS_MAX = 4
"""Each learns every example, which costs as much CPU as the champion."""

_PARAMETER = re.compile(r"[\w.\-]{1,64}", re.ASCII)
_CHALLENGER_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")
_ALPHA_MAX = 10.0
_KAFKA_NAME = re.compile(r"[\w.\-]*", re.ASCII)
_TABLE = re.compile(r"\*|[a-z][a-z_]{0,63}")


class Parsed(Protocol):
    """A value that is written as text and parsed by its own class."""

    expected: ClassVar[str]
    """What the text has to be, as it follows "is not": `host:port`."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """The value; ValueError when the text is not what is expected."""
        ...


class Secret:
    """Text that never shows up in logs, errors or reprs."""

    __slots__ = ("_text",)
    expected: ClassVar[str] = "text (or a file, with _FILE)"

    def __init__(self, text: str) -> None:
        self._text = text

    @classmethod
    def parse(cls, text: str) -> Self:
        return cls(text)

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


class SecretsByName(dict[str, Secret]):
    """Secrets by name, written as a JSON object: {"north": "…"}."""

    expected: ClassVar[str] = "a JSON object of names and secrets (or a file, with _FILE)"

    @classmethod
    def parse(cls, text: str) -> Self:
        try:
            written = msgspec.json.decode(text, type=dict[str, str])
        except msgspec.MsgspecError:
            raise ValueError from None
        if not all(written.values()):
            raise ValueError
        return cls({name: Secret(secret) for name, secret in written.items()})


class Placeholders(tuple[str, ...]):
    """Texts that are placeholders of ids, with commas between them."""

    __slots__ = ()
    expected: ClassVar[str] = "texts of up to 256 characters, with commas between"

    @classmethod
    def parse(cls, text: str) -> Self:
        words = [word.strip() for word in text.split(",")]
        if not all(0 < len(word) <= 256 for word in words):
            raise ValueError
        return cls(words)

    def __str__(self) -> str:
        return ",".join(self)


class ReferrerParameters(dict[str, tuple[str, ...]]):
    """Parameters of referrers by media source, written as north:n_click,north:n_ref,any_id; one
    without a media source counts for every source, which is written as `*` here."""

    expected: ClassVar[str] = "SOURCE:PARAMETER or PARAMETER, or several with commas between"

    @classmethod
    def parse(cls, text: str) -> Self:
        named = cls()
        for part in (part.strip() for part in text.split(",")):
            source, colon, parameter = (word.strip() for word in part.rpartition(":"))
            if not _PARAMETER.fullmatch(parameter) or (colon and not source):
                raise ValueError
            source = source or "*"
            named[source] = (*named.get(source, ()), parameter)
        return named

    def __str__(self) -> str:
        return ",".join(f"{source}:{name}" for source, names in self.items() for name in names)


class Retention(dict[str, int]):
    """Days that rows are kept, by table, written as touches:90d,dead_letters:30d,*:400d.

    `*` stands for all other tables, 0 days for ever.
    """

    DAYS_MIN: ClassVar[int] = 8
    """More than the 7 days of the outcome topics: what storing may read again, its table still has,
    and is recognised."""
    DAYS_MAX: ClassVar[int] = 3650
    FOREVER: ClassVar[int] = 0

    expected: ClassVar[str] = (
        f"TABLE:DAYS or TABLE:forever, several with commas between, from {DAYS_MIN}d to "
        f"{DAYS_MAX}d, such as touches:90d,*:forever"
    )

    @classmethod
    def parse(cls, text: str) -> Self:
        kept = cls()
        for part in (part.strip() for part in text.split(",")):
            table, _, written = (word.strip() for word in part.partition(":"))
            if not _TABLE.fullmatch(table) or table in kept:
                raise ValueError
            kept[table] = cls.FOREVER if written == "forever" else _days(written)
        return kept

    def days(self, table: str) -> int:
        """For how many days the rows of a table are kept; FOREVER: for ever."""
        return self.get(table, self.get("*", self.FOREVER))

    def __str__(self) -> str:
        return ",".join(
            f"{table}:{f'{days}d' if days else 'forever'}" for table, days in self.items()
        )


def _days(written: str) -> int:
    days, remainder = divmod(parse_duration(written), DAY_MS)
    if remainder or not Retention.DAYS_MIN <= days <= Retention.DAYS_MAX:
        raise ValueError
    return days


class Brokers(str):
    """Addresses of Kafka brokers, with commas between them."""

    __slots__ = ()
    expected: ClassVar[str] = "host:port, or several with commas between"

    @classmethod
    def parse(cls, text: str) -> Self:
        addresses = [address.strip() for address in text.split(",")]
        for address in addresses:
            host, _, port = address.rpartition(":")
            if not host or not port.isdecimal() or not 0 < int(port) < 65536 or "/" in host:
                raise ValueError
        return cls(",".join(addresses))


class KafkaName(str):
    """Part of a name that Kafka keeps: it refuses other characters only when it is asked to make
    the topic, and a worker can say no more then than that topics are missing."""

    __slots__ = ()
    LENGTH_MAX: ClassVar[int] = 200
    """Leaves room for the longest name of ours in the 249 characters of Kafka."""
    expected: ClassVar[str] = (
        f"up to {LENGTH_MAX} letters a-z, digits, dots, dashes and underscores"
    )

    @classmethod
    def parse(cls, text: str) -> Self:
        if len(text) > cls.LENGTH_MAX or not _KAFKA_NAME.fullmatch(text):
            raise ValueError
        return cls(text)


class ChallengerRates(dict[str, float]):
    """Learning rates of challengers by name, written as fast:0.1,slow:0.01."""

    expected: ClassVar[str] = (
        f"NAME:RATE, up to {CHALLENGERS_MAX} with commas between, such as fast:0.1"
    )

    @classmethod
    def parse(cls, text: str) -> Self:
        # Imported here, because every command reads settings and few of them need numpy.
        from online_models.learning.rules import FIRST_CHAMPION

        rates = cls()
        for part in filter(None, (part.strip() for part in text.split(","))):
            name, _, rate = part.partition(":")
            alpha = float(rate)
            if not _CHALLENGER_NAME.fullmatch(name) or name in rates or name == FIRST_CHAMPION:
                raise ValueError
            if not 0.0 < alpha <= _ALPHA_MAX:
                raise ValueError
            rates[name] = alpha
        if len(rates) > CHALLENGERS_MAX:
            raise ValueError
        return rates
