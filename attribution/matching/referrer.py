"""Reads a Play install referrer as it really comes: click ids, and whether Play calls it organic.

A referrer is a URL-encoded query string, in theory. Store links are built by hand, pass through
redirects, HTML and JSON, and reach us plain, encoded once, twice or in part, in quotes, as JSON,
with `&amp;` for `&`, with names in any case, inside a whole store URL, or as one parameter of
another. The text is therefore read once per layer of encoding, and each layer is cut into
parameters.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import chain
from typing import Any
from urllib.parse import unquote

import msgspec
from msgspec import Struct

from schemas.ids import IdJudge, normal_click_id

CLICK_IDS_MAX = 8
"""Click ids of one referrer that are looked up. Real ones carry one to three."""
LAYERS_MAX = 5
"""Layers of encoding that are taken off: a redirect adds one each time that it encodes again."""
REFERRER_CHARS_MAX = 16_384
"""Characters of a referrer that are read: what the contract allows; Play itself cuts earlier."""
_CANDIDATES_MAX = 64  # that are judged at all
_ID_CHARS_MAX = 256
_NAME_CHARS_MAX = 64
_EQUALS_MAX = 4

CLICK_ID_PARAMETERS = (
    # Measurement partners and trackers: what they add to the store link themselves.
    *("clickid", "afclickid", "aftranid", "adjustreftag", "adjustexternalclickid"),
    *("externalclickid", "linkclickid", "branchmatchid", "koclickid", "singularclickid"),
    *("matclickid", "trackingid", "transactionid", "eftransactionid", "irclickid"),
    *("cjevent", "clickref", "tduid", "awc", "reqid"),
    # Networks: what their auto-tagging adds to any link.
    *("gclid", "gbraid", "wbraid", "dclid", "fbclid", "ttclid", "twclid", "msclkid", "sccid"),
    *("rdtcid", "epik", "lifatid", "yclid", "tblci", "dicbo", "obclid"),
)
"""Parameters that carry a click id, in the order in which they are looked up. Written as they are
compared: small letters, without the separators `_`, `-` and `.`."""
_CLICK_ID_ENDINGS = ("clickid", "clkid", "clid", "tranid", "reftag", "braid")
"""Endings of parameters that carry a click id, whichever network's."""
_RANKS = {name: rank for rank, name in enumerate(CLICK_ID_PARAMETERS)}
_SOURCE_PARAMETERS = frozenset({"utmsource", "pid", "mediasource"})
_OTHER_PARAMETERS = frozenset(
    {"utmmedium", "utmcampaign", "utmcontent", "utmterm", "c", "referrer", "installreferrer", "id"}
)

_CUTS = re.compile(r"(?:&(?:#0*38;|#x0*26;)?(?:amp;)*|\\u0026|[?\0\r\n])", re.IGNORECASE)
_OTHER_CUTS = re.compile(r"[;,|#\s]([\w.\-]{1,64})=")
_INNER_CUTS = re.compile(r"[&;,|#?\s](?:amp;)*([\w.\-]{1,64})=", re.IGNORECASE)
_WITHOUT_EQUALS = re.compile(r"\s*([a-z_.]{1,64}?)[-:](.+)", re.IGNORECASE | re.DOTALL)
_LONE_ID = re.compile(r"[\w.\-+/]{8,256}={0,2}", re.ASCII)
_QUOTES = "\"'`\u201c\u201d\u2018\u2019\\"
_NAME_MARKS = str.maketrans("", "", "_-. \t[]" + _QUOTES)
_ESCAPES = re.compile(r"\\{1,8}(?:u00([2-7][0-9a-f])|([\"/]))", re.IGNORECASE)


class Referrer(Struct, frozen=True, gc=False):
    """What a referrer says."""

    click_ids: tuple[str, ...] = ()  # in the form in which they are compared
    dropped: int = 0  # click ids beyond CLICK_IDS_MAX
    is_organic: bool = False  # Play itself says so: `utm_medium=organic`
    is_sealed: bool = False  # JSON without a click id, such as what Facebook encrypts for itself


NO_REFERRER = Referrer()


class ReferrerReader:
    """Reads referrers. `parameters` are the names of further parameters with a click id by media
    source, as the referrer's `utm_source` names it; those of `*` count for every source."""

    def __init__(
        self,
        parameters: Mapping[str, Iterable[str]] | None = None,
        judge: IdJudge | None = None,
    ) -> None:
        self._any_amiss = (judge or IdJudge()).amiss()
        self._by_source = {
            source.strip().casefold(): frozenset(map(_compared, names))
            for source, names in (parameters or {}).items()
        }
        self._own = frozenset(name for names in self._by_source.values() for name in names)

    def read(self, text: str | None) -> Referrer:
        """Click ids and the organic mark; costs at most `LAYERS_MAX` passes over the text."""
        if not text:
            return NO_REFERRER
        text = text[:REFERRER_CHARS_MAX]
        found: dict[str, tuple[int, int]] = {}  # layer and rank by click id
        own: list[tuple[str, str]] = []
        names: set[str] = set()  # read at an outer layer, where their values are whole
        sources: set[str] = set()
        is_organic, is_sealed, judged = False, False, 0
        for depth, layer in enumerate(_layers(text)):
            here: set[str] = set()
            objects = list(_objects(layer))
            is_sealed |= bool(objects)
            for name, value in chain(self._parameters(layer), self._pairs_within(objects)):
                if name == "utmmedium":
                    is_organic |= value.strip().casefold() == "organic"
                elif name in _SOURCE_PARAMETERS:
                    sources.add(value.strip().casefold())
                elif name in names or not self._is_click(name):
                    continue
                elif (judged := judged + 1) <= _CANDIDATES_MAX and (click := self._click_id(value)):
                    here.add(name)
                    if name in self._own:
                        own.append((name, click))
                    else:
                        found.setdefault(click, (depth, _rank(name) or 0))
            names |= here
        for name, click in own:
            if self._counts(name, sources):
                found[click] = (-1, 0)
        if not found and (alone := self._lone_id(text)):
            found[alone] = (0, 0)
        ids = sorted(found, key=found.__getitem__)
        return Referrer(
            tuple(ids[:CLICK_IDS_MAX]),
            max(len(ids) - CLICK_IDS_MAX, 0),
            is_organic,
            is_sealed and not ids,
        )

    def _pairs_within(self, objects: Iterable[Any]) -> Iterator[tuple[str, str]]:
        """The click ids that objects of JSON have at any depth, by name, and the parameters of
        referrers in them: some producers send the whole answer of the store."""
        left = deque(objects)
        while left:
            for key, value in left.popleft().items():
                if isinstance(value, dict):
                    left.append(value)
                elif isinstance(value, str | int) and self._is_click(name := _compared(key)):
                    yield name, str(value)
                elif isinstance(value, str) and ("=" in value or "%" in value):
                    for layer in _layers(value):
                        yield from self._parameters(layer)

    def _parameters(self, layer: str) -> Iterator[tuple[str, str]]:
        """Names, as they are compared, and values."""
        has_other_cuts = _OTHER_CUTS.search(layer) is not None
        for piece in filter(None, _CUTS.split(layer)):
            start = 0
            for cut in _OTHER_CUTS.finditer(piece) if has_other_cuts else ():
                if self._is_known(_compared(cut[1])):
                    yield from self._pair(piece[start : cut.start()])
                    start = cut.start(1)
            yield from self._pair(piece[start:])

    def _pair(self, piece: str) -> Iterator[tuple[str, str]]:
        """The parameter of a piece: after the last name before a value, as in
        `referrer=click_id=1`; or after a dash, into which some stores turn the equals sign."""
        name, equals, value = piece.partition("=")
        if len(name) > _NAME_CHARS_MAX and equals:
            return
        for _ in range(_EQUALS_MAX):
            if not equals or self._is_click(_compared(name)):
                break
            inner, more, rest = value.partition("=")
            if not more or len(inner) > _NAME_CHARS_MAX or not self._is_known(_compared(inner)):
                break
            name, value = inner, rest
        if equals:
            yield _compared(name), value
        elif (dashed := _WITHOUT_EQUALS.fullmatch(piece)) and self._is_click(_compared(dashed[1])):
            yield _compared(dashed[1]), dashed[2]

    def _is_click(self, name: str) -> bool:
        return name in self._own or _rank(name) is not None

    def _is_known(self, name: str) -> bool:
        return name in _SOURCE_PARAMETERS or name in _OTHER_PARAMETERS or self._is_click(name)

    def _counts(self, name: str, sources: set[str]) -> bool:
        """Whether a parameter of the setting counts: for a source that the referrer names, for
        every source, or where the referrer names none."""
        return any(
            name in names and (source == "*" or source in sources or not sources)
            for source, names in self._by_source.items()
        )

    def _click_id(self, value: str) -> str:
        """The click id of a value; "": it is a placeholder, or no id. A fragment is none of it."""
        value, quote, rest = _unquoted(value.partition("#")[0]).partition('"')
        while quote and not any(map(str.isalnum, normal_click_id(value))):  # `+"A1`
            value, quote, rest = rest.partition('"')
        click = _unquoted(normal_click_id(_unquoted(value)))
        for cut in _INNER_CUTS.finditer(click) if "=" in click else ():  # `click_id=1%26pid%3Dx`
            if self._is_known(_compared(cut[1])):
                click = normal_click_id(click[: cut.start()])
                break
        if not 0 < len(click) <= _ID_CHARS_MAX or not click.isprintable():
            return ""
        spaced = click.replace("+", " ")  # `(not+set)`
        return "" if self._any_amiss((spaced,)) else click

    def _lone_id(self, text: str) -> str:
        """A referrer that is nothing but a click id, without any parameter."""
        if not _LONE_ID.fullmatch(text) or not any(mark.isdigit() for mark in text):
            return ""
        return self._click_id(text)


def _unquoted(value: str) -> str:
    return value.strip().strip(_QUOTES).strip()


def _objects(layer: str) -> Iterator[Any]:
    """The objects of JSON that are the layer, or the value of one of its parameters."""
    for piece in (layer, *layer.split("&")) if "{" in layer else ():
        _, found, inner = piece.partition("{")
        if found and (end := inner.rfind("}")) >= 0:
            try:
                value = msgspec.json.decode("{" + inner[: end + 1])
            except (msgspec.MsgspecError, RecursionError):
                continue
            if isinstance(value, dict):
                yield value


def _layers(text: str) -> Iterator[str]:
    """The text, and what is left each time that a layer of encoding is taken off."""
    for _ in range(LAYERS_MAX):
        yield text
        inner = unquote(text) if "%" in text else text
        if "\\" in inner:
            inner = _ESCAPES.sub(_unescaped, inner)
        if inner == text:
            return
        text = inner


def _unescaped(escape: re.Match[str]) -> str:
    """What stands in a text for a character of it that JSON escapes, as Gson does with `=`."""
    return chr(int(escape[1], 16)) if escape[1] else escape[2]


@lru_cache(maxsize=1024)
def _compared(name: str) -> str:
    """A name as names are compared: without separators and case, and `&amp;`'s rest before it."""
    return name.translate(_NAME_MARKS).lower()


def _rank(name: str) -> int | None:
    """The place of a parameter in the order of lookups; None: it carries no click id."""
    if (rank := _RANKS.get(name)) is not None:
        return rank
    return len(_RANKS) if name.endswith(_CLICK_ID_ENDINGS) else None
