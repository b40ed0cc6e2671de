"""What a text that is no JSON was meant to be: read as leniently as a person would.

Reads JSON5, JavaScript and Python literals, typographic quotes, decimal commas, and text that was
cut off, and names each fault.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import Any

import orjson

LENIENT_BYTES_MAX = 65_536
"""Longest text that is read leniently: no producer pastes a longer event by hand."""

_TOKEN = re.compile(
    r"""(?P<space>\s+)
    | (?P<comment>//[^\n]*|/\*.*?\*/|\#[^\n]*)
    | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`|[“”„«](?:[^“”„»])*[“”»])
    | (?P<number>[-+]?(?:0[xX][0-9a-fA-F]+|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)[nLlfF]?)
    | (?P<word>-?[A-Za-z_$][\w$.-]*)
    | (?P<mark>[{}\[\]:,=;()])
    | (?P<open_text>["'“][^\n]*)
    | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_WORDS = {"true": "true", "false": "false", "null": "null"}
_FOREIGN_WORDS = {
    "True": "true", "False": "false", "None": "null", "nil": "null", "undefined": "null",
    "NaN": "null", "nan": "null", "Infinity": "null", "-Infinity": "null", "inf": "null",
    "NULL": "null", "Null": "null", "TRUE": "true", "FALSE": "false",
}  # fmt: skip
_CLOSING = {"{": "}", "[": "]"}


@dataclass(slots=True)
class Reading:
    """`fields` is None when no object could be made out."""

    fields: dict[str, Any] | None = None
    faults: list[str] = field(default_factory=list)


def read_leniently(raw: bytes) -> Reading:
    """The object that a text was meant to be, and what is wrong with it."""
    if fault := _foreign_bytes(raw):
        return Reading(None, [fault])
    faults: list[str] = []
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        text = raw.decode("cp1252", errors="replace")
        near = text[max(error.start - 20, 0) : error.start + 20]
        faults.append(
            f"encode messages as UTF-8: the byte 0x{raw[error.start]:02x} near {near!r} is "
            "Latin-1 or Windows-1252"
        )
    if text.startswith("\ufeff"):
        text = text.removeprefix("\ufeff")
        faults.append("leave out the byte order mark at the beginning")
    if "\0" in text:
        text = text.replace("\0", "")
        faults.append("leave out zero bytes: some languages end their texts with one")
    return _read(text.strip(), faults)


def _read(text: str, faults: list[str]) -> Reading:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if len(text) > LENIENT_BYTES_MAX:
            return Reading(None, [*faults, _place(text, error)])
        return _mended(text, faults, error)
    if isinstance(value, str):
        inner = _read(value.strip(), []) if value.strip()[:1] == "{" else Reading()
        advice = "publish the object itself, not a JSON string: it was encoded twice"
        if inner.fields is None:
            advice = "an event is a JSON object, in braces"
        return Reading(inner.fields, [*faults, advice, *inner.faults])
    if isinstance(value, list):
        return Reading(None, [*faults, "an event is one JSON object: publish each as a message"])
    if not isinstance(value, dict):
        return Reading(None, [*faults, "an event is a JSON object, in braces"])
    return Reading(value, faults)


def _mended(text: str, faults: list[str], error: orjson.JSONDecodeError) -> Reading:
    found: dict[str, None] = {}
    mended = _Writer(found).write(text)
    try:
        value = orjson.loads(mended)
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict) or not found:
        return Reading(None, [*faults, _form(text) or _place(text, error)])
    return Reading(value, [*faults, *found])


class _Writer:
    """Writes tokens again as JSON, and notes in `found` what they were not."""

    def __init__(self, found: dict[str, None]) -> None:
        self._found = found
        self._out: list[str] = []
        self._open: list[str] = []

    def write(self, text: str) -> str:
        for token in _TOKEN.finditer(text):
            kind = str(token.lastgroup)
            getattr(self, f"_{kind}")(token[0])
        if self._open:
            self._found["the text was cut off: a closing brace is missing"] = None
            self._drop_comma()
            if self._out and self._out[-1] == ":":
                self._out.append("null")
            self._out += [_CLOSING[mark] for mark in reversed(self._open)]
        return "".join(self._out)

    def _space(self, token: str) -> None:
        pass

    def _comment(self, token: str) -> None:
        self._found["leave out comments: JSON has none"] = None

    def _text(self, token: str) -> None:
        body = token[1:-1]
        if token[0] == '"':
            if re.search(r"[\x00-\x1f]", body):
                self._found[r"write line breaks and tabs in texts as \n and \t"] = None
        elif token[0] in "'`":
            self._found["use double quotes, not single ones"] = None
            body = body.replace("\\'", "'").replace('"', '\\"')
        else:
            self._found["use straight quotes, not typographic ones"] = None
            body = body.replace('"', '\\"')
        body = re.sub(r"[\x00-\x1f]", lambda one: f"\\u{ord(one[0]):04x}", body)
        self._put(f'"{body}"')

    def _number(self, token: str) -> None:
        plain = token.rstrip("nLlfF") if not token.lower().startswith("0x") else token
        plain = plain.replace("_", "").removeprefix("+")
        if re.fullmatch(r"0[xX][0-9a-fA-F]+", plain):
            plain = str(int(plain, 16))
        plain = re.sub(r"^(-?)0+(?=\d)", r"\1", plain)
        plain = re.sub(r"^(-?)\.", r"\g<1>0.", plain)
        plain = re.sub(r"\.$", "", re.sub(r"\.(?=[eE])", "", plain))
        if plain != token:
            self._found[f"write the number {token} as {plain}"] = None
        if (
            self._out[-3:-1]
            and self._out[-1] == ","
            and self._is_in_object()
            and self._ends_number()
        ):
            self._out.pop()
            whole = self._out.pop()
            self._found[f"write the number {whole},{plain} with a decimal point"] = None
            plain = f"{whole}.{plain}"
        self._put(plain)

    def _word(self, token: str) -> None:
        if token in _WORDS:
            self._put(token)
        elif token in _FOREIGN_WORDS:
            self._found[f"JSON has no {token}: write {_FOREIGN_WORDS[token]}, or leave it out"] = (
                None
            )
            self._put(_FOREIGN_WORDS[token])
        else:
            self._found[f'put quotes around {token}: "{token}"'] = None
            self._put(f'"{token}"')

    def _mark(self, token: str) -> None:
        if token in "}]":
            if self._out and self._out[-1] == ",":
                self._drop_comma()
                self._found["leave out the comma before a closing bracket"] = None
            if self._open and _CLOSING[self._open[-1]] == token:
                self._open.pop()
                self._out.append(token)
            else:
                self._found["the brackets do not pair"] = None
        elif token in "{[":
            self._put(token)
            self._open.append(token)
        elif token == "=":
            self._found["write a colon between name and value, not an equals sign"] = None
            self._out.append(":")
        elif token in ";()":
            self._found[f"leave out {token}"] = None
        elif token == "," and self._out and self._out[-1] in (",", "{", "["):
            self._found["leave out the comma that separates nothing"] = None
        else:
            self._out.append(token)

    def _open_text(self, token: str) -> None:
        self._found["close every text with a double quote"] = None
        self._put(orjson.dumps(token[1:].rstrip("}], \r\n")).decode())

    def _other(self, token: str) -> None:
        self._found[f"leave out the character {token!r}"] = None

    def _put(self, token: str) -> None:
        """A value or a name; a comma before it where one is missing."""
        if self._open and self._out and self._out[-1] not in (",", ":", "{", "["):
            self._found["separate the fields with commas"] = None
            self._out.append(",")
        self._out.append(token)

    def _drop_comma(self) -> None:
        while self._out and self._out[-1] == ",":
            self._out.pop()

    def _is_in_object(self) -> bool:
        return bool(self._open) and self._open[-1] == "{"

    def _ends_number(self) -> bool:
        return re.fullmatch(r"-?\d+", self._out[-2]) is not None and self._out[-3:-2] == [":"]


def _place(text: str, error: orjson.JSONDecodeError) -> str:
    near = text[max(error.pos - 25, 0) : error.pos + 10]
    quotes = text.count('"') - text.count('\\"')
    hint = "a double quote is missing" if quotes % 2 else 'within a text a double quote is \\"'
    hint = f"; {hint}" if quotes else ""
    return f"this is no JSON at line {error.lineno}, column {error.colno}, near {near!r}{hint}"


def _form(text: str) -> str:
    """Which other format a text is in; empty when none is recognised."""
    if text.startswith("<"):
        return "this is XML or HTML: an event is a JSON object"
    if re.match(r"[\w.%-]+=[^&\s]*(&[\w.%-]+=[^&\s]*)+", text):
        return "this is a form (name=value&...): an event is a JSON object"
    if text.count(",") >= 3 and "{" not in text and ":" not in text.partition(",")[0]:
        return "this is CSV: publish each row as a JSON object with named fields"
    if text[:1] not in '{["' and "{" not in text:
        return f"{text[:60]!r} is no event: an event is a JSON object, in braces"
    return ""


def _foreign_bytes(raw: bytes) -> str:
    """Which binary format a message is in; empty when it may be text."""
    if raw[:1] == b"\0" and len(raw) > 5 and raw[5:6] not in b"\0":
        number = int.from_bytes(raw[1:5], "big")
        return (
            f"a serializer of the Schema Registry wrote this (schema {number}, Avro, Protobuf or "
            "JSON Schema): use a plain JSON or string serializer"
        )
    for mark, name in (
        (b"\x1f\x8b", "gzip: set compression.type of the producer instead"),
        (b"\xac\xed\x00\x05", "serialised Java: use a JSON or string serializer"),
        (b"\x28\xb5\x2f\xfd", "zstd: set compression.type of the producer instead"),
    ):
        if raw.startswith(mark):
            return f"the message is {name}"
    if re.fullmatch(rb"[A-Za-z0-9+/_=-]{16,}", raw):
        try:
            inner = base64.b64decode(raw, validate=True)
        except (ValueError, binascii.Error):
            return ""
        if inner.lstrip()[:1] == b"{":
            return "the message is base64: publish the JSON object as it is"
    return ""
