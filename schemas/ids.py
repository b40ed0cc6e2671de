"""Which ids are placeholders: what producers send when they have none.

Limited ad tracking gives zeros, a tracking link whose macro was never filled gives `{idfa}` or
`__IDFA__`, a language gives its word for nothing (`null`, `undefined`, `None`, `nil`, `NaN`).
Whoever takes such a text for an id makes one person of everybody who sent it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from hashlib import md5, sha1, sha256
from string import punctuation
from urllib.parse import unquote

_SPACE = "".join(map(chr, (*range(33), 0x7F, 0x85, 0xA0, 0x1680, *range(0x2000, 0x2010)))) + (
    "\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
)
"""White space, control characters, and characters without width."""

WORDS = frozenset(
    "null nil none void undefined undef nan inf infinity unknown na anonymous anon guest"
    " notset unset notavailable unavailable notprovided notapplicable missing empty blank"
    " invalid unidentified noid nouser nodevice nodata true false objectobject"
    " optionalnil optionalnull optout denied disabled redacted"
    # The name of the field in place of its value, as macros without their brackets.
    " idfa idfv gaid oaid gpsadid aaid adid ifa advertisingid advertisingidplain"
    " advertisingidentifier advertisingidentifierplain androidid deviceid clickid installid userid"
    " customeruserid transactionid orderid impressionid"
    # Apple's example, and constants that many devices share: an emulator's ANDROID_ID, and the
    # address that Android and iOS give for every network card.
    " 1234567890 123456789 9774d56d682e549c 020000000000".split()
)
"""Words that are placeholders of ids, lower case and without separators."""


def _cases(start: str) -> set[str]:
    forms = {""}
    for letter in start:
        forms = {form + case for form in forms for case in (letter.lower(), letter.upper())}
    return forms


_NULL_UUID = "00000000-0000-0000-0000-000000000000"
_HASHED = (
    *("", " ", "\n", "0", "N/A", "(null)", "[object Object]", "NaN", "{}", _NULL_UUID),
    *("0" * digits for digits in (15, 16, 32)),
    *(
        form
        for word in "null none nil undefined nan n/a unknown anonymous guest false true".split()
        for form in (word, word.upper(), word.capitalize())
    ),
)
"""What producers hash, or make a UUID of, when they have nothing."""


def _hashes() -> Iterator[str]:
    for text in _HASHED:
        content = text.encode()
        digest = md5(content, usedforsecurity=False).digest()
        yield from (digest.hex(), sha1(content, usedforsecurity=False).hexdigest())
        yield sha256(content).hexdigest()
        # `UUID.nameUUIDFromBytes` of Java.
        named = digest[6] & 0x0F | 0x30, digest[7], digest[8] & 0x3F | 0x80
        yield (digest[:6] + bytes(named) + digest[9:]).hex()


HASHES = frozenset(_hashes())
"""Hashes of nothing, in hexadecimal: whoever hashes all ids hashes those that are absent, too."""

_PREFIXES = frozenset(
    "user users uid id userid player playerid account accountid acct member customer client"
    " profile person subscriber device deviceid install installid android ios iphone ipad web"
    " app google apple firebase facebook fb auth0 order orderid transaction tx click gaid idfa"
    " idfv oaid".split()
)
"""What producers write before an id: `user_` + id is `user_undefined` where there is none."""
_NOTHING = frozenset("null undefined nil nan none".split())
_BETWEEN = " _-/.:,()|;+~#@=&"
_TAILS = frozenset(
    form
    for tail in ("null", "ined", "none", "0000", *(m + w for m in _BETWEEN for w in ("nil", "nan")))
    for form in _cases(tail)
)
"""Last four letters of an id that may be a prefix before nothing."""
_MARKS = " _-/.:,("
_LENGTH_MAX = 256
_SEPARATORS = re.compile(r"[\s_\-/.:,()]+")
_PART_MARKS = re.compile(rf"[\s{re.escape(_BETWEEN)}]+")
_NULL_UUID_AT_THE_END = re.compile(r".*[^0-9a-f]0{8}(?:-0{4}){3}-0{12}", re.IGNORECASE | re.DOTALL)
_HEX_UUID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_MACRO = re.compile(
    r"""[$#%@]?\{.*\} | [$%@:]?\[.*\] | <.*> | __.*__ | %.*% | \$\(.*\)
    | ([#@~|!*^])\1*.+\1 | \$[a-z_]\w* | xxx[a-z_]{2,30}xxx""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_MACRO_AT_AN_END = re.compile(
    r"[$#%@]?\{[{%]?\s*[a-z_][\w.: -]*[%}]?\}\Z|\A[$#%@]?\{[{%]?\s*[a-z_][\w.: -]*[%}]?\}",
    re.IGNORECASE,
)
_CONSTANT_LENGTHS = frozenset({14, 15, 16, 32})
"""Digits of an IMEI, an Android id and a UUID, which are placeholders when all are the same."""


def _bare(text: str) -> str:
    """A text as words are compared: without white space, quotes, brackets, separators and case."""
    return _SEPARATORS.sub("", text.strip(_SPACE + punctuation)).casefold()


class IdJudge:
    """Recognises the placeholders of the trade, and more words of one's own."""

    def __init__(self, more: Iterable[str] = ()) -> None:
        self._exact = frozenset(word.strip(_SPACE).casefold() for word in more)
        self._words = WORDS
        starts = {word[:3] for word in self._exact} | {"xxx", "fff", "0x0", "0", "00", "-1"}
        starts |= {word[:3] for word in HASHES}
        for word in (*self._words, *(3 * digit for digit in "0123456789abcdef")):
            starts |= {word[:3], *(word[0] + mark + word[1:2] for mark in _MARKS)}
            starts |= {word[:2] + mark for mark in _MARKS}
            starts |= {word[0] + one + two for one in _MARKS for two in _MARKS}
        self._starts = frozenset(form for start in starts for form in _cases(start))
        self._odd = frozenset(_SPACE + punctuation)
        self._ends = self._odd

    def is_placeholder(self, text: str) -> bool:
        """Whether a text is no id, but what a producer sends in the place of one."""
        trimmed = text.strip(_SPACE)
        if len(trimmed) > _LENGTH_MAX:
            return False
        if trimmed.casefold() in self._exact:
            return True
        if "%" in trimmed:
            if _MACRO.fullmatch(trimmed):
                return True
            trimmed = unquote(unquote(trimmed)).strip(_SPACE)
        trimmed = trimmed.strip("\"'`")
        if not trimmed.strip(_SPACE + punctuation):
            return True
        if _HEX_UUID.fullmatch(trimmed.strip("{}[]()")):
            return _is_constant(trimmed) or _bare(trimmed) in HASHES
        return (
            (plain := _bare(trimmed)) in self._words
            or plain in HASHES
            or _is_constant(trimmed)
            or _is_made_of_nothing(trimmed)
            or _MACRO.fullmatch(trimmed) is not None
            or _MACRO_AT_AN_END.search(trimmed) is not None
        )

    def amiss(self) -> Callable[[Iterable[str | None]], bool]:
        """The quick question of the hot path about the ids of one event: whether one of them is
        a placeholder or has white space around it. None is absent, which is well."""
        starts, odd, ends, tails = self._starts, self._odd, self._ends, _TAILS
        is_amiss = self._is_amiss

        def any_amiss(values: Iterable[str | None]) -> bool:
            for value in values:
                if (
                    value
                    and (
                        value[:3] in starts
                        or value[-1] in ends
                        or value[0] in odd
                        or value[-4:] in tails
                    )
                    and is_amiss(value)
                ):
                    return True
            return False

        return any_amiss

    def _is_amiss(self, text: str) -> bool:
        return self.is_placeholder(text) or text != trimmed_id(text)


def _is_constant(text: str) -> bool:
    """Whether an id is all zeros, or a device id of one digit only."""
    plain = _bare(text)
    if not plain.strip("0") or re.fullmatch("0x0+", plain) or (plain == "1" and text[0] == "-"):
        return True
    return len(plain) in _CONSTANT_LENGTHS and len(set(plain)) == 1


def _is_made_of_nothing(text: str) -> bool:
    """Whether an id is put together from several that are absent, or from a prefix and nothing."""
    if _NULL_UUID_AT_THE_END.fullmatch(text):
        return True
    parts = [part for part in _PART_MARKS.split(text.casefold()) if part]
    if len(parts) < 2:
        return False
    last = parts.pop()
    if last in _NOTHING and _PREFIXES.issuperset(parts):
        return True
    return last in WORDS and WORDS.issuperset(parts)


def trimmed_id(text: str) -> str:
    """An id without the white space and the characters without width around it."""
    return text.strip(_SPACE)


def normal_id(text: str) -> str:
    """The one form in which an id is compared that two producers may write each in its own way: a
    UUID in lower case with its dashes, as normal_device_id writes it, other text in Unicode NFC.

    iOS writes UUIDs in upper case, servers and databases in lower case, some without dashes. Any
    other text keeps its case: tokens of stores differ in nothing else.
    """
    if len(text) >= _UUID_DIGITS and _HEX_UUID.fullmatch(uuid := normal_device_id(text)):
        return uuid
    if text.isascii():
        return text
    composed = unicodedata.normalize("NFC", text.translate(_INVISIBLE))
    return composed if 0 < len(composed) <= _LENGTH_MAX else text


def is_odd_form(text: str) -> bool:
    """The quick question of the hot path: whether the normal form of an id may be another text."""
    if not text.isascii():
        return len(text) <= _LENGTH_MAX
    if not _UUID_DIGITS <= len(text) <= _LENGTH_MAX:
        return False
    return len(text) != _UUID_LENGTH or text[8] != "-" or text != text.lower()


_UUID_DIGITS, _UUID_LENGTH = 32, 36


def normal_device_id(text: str) -> str:
    """The one form in which a device id is compared: lower case, without encoding and braces, and a
    UUID with its dashes. Apps and networks write the same id in different forms."""
    plain = text.strip(_AROUND_DEVICE_IDS).lower()
    if "%" in plain or ":" in plain or not plain.isascii():
        plain = _in_ascii(plain)
    if len(plain) == _UUID_DIGITS and _HEX_UUID.fullmatch(plain):
        return f"{plain[:8]}-{plain[8:12]}-{plain[12:16]}-{plain[16:20]}-{plain[20:]}"
    return plain


_AROUND_DEVICE_IDS = _SPACE + "{}[]()\"'"
_DASHES = {
    ord(mark): "-" for mark in "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u00ad\ufe63\uff0d"
}
_WITHOUT_WIDTH = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"))
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200e\u200f\u2060\ufeff"))
"""Of the characters without width, those that say nothing: joiners are part of names."""


def _in_ascii(text: str) -> str:
    """A device id that was encoded, named as a UUID, or written with look-alikes of its marks."""
    for _ in range(_DECODES_MAX):
        if "%" not in text or (inner := unquote(text)) == text:
            break
        text = inner
    text = unicodedata.normalize("NFKC", text.translate(_DASHES).translate(_WITHOUT_WIDTH))
    return text.strip(_AROUND_DEVICE_IDS).lower().removeprefix("urn:").removeprefix("uuid:")


_DECODES_MAX = 5


def normal_click_id(text: str) -> str:
    """The one form in which a click id is compared: without encoding, with `+` for the space that
    decoding makes of it, without either or quotes around it, and without the padding of base64. The
    id of a touchpoint and the copy of it in a referrer pass through different encodings."""
    if "%" not in text and " " not in text and text.strip(_AROUND_CLICK_IDS).rstrip("=") == text:
        return text
    plain = text.strip(_SPACE)
    for _ in range(_DECODES_MAX):
        inner = unquote(plain).strip(_SPACE) if "%" in plain else plain
        if inner == plain or not inner.isprintable() or "\ufffd" in inner:
            break
        plain = inner
    return plain.replace(" ", "+").lstrip(_AROUND_CLICK_IDS).rstrip(_AROUND_CLICK_IDS + "=") or text


_AROUND_CLICK_IDS = _SPACE + "+\"'`"
