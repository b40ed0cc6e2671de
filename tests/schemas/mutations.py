"""Valid events, mutated towards what producers really get wrong: placeholder ids, clocks and units,
encodings, amounts and signs, test traffic, repeated ids, empty texts, wrong types."""

from __future__ import annotations

import random
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, get_args, get_type_hints
from urllib.parse import quote

from schemas import contracts
from schemas.events import TOPIC_OF_TYPE, TYPES

Payload = dict[str, Any]
NOW = 1_790_000_000_000
_SCHEMAS = Path(contracts.__file__).parent.parent
_EXAMPLES = contracts.read_examples(_SCHEMAS / "examples")
VALID: dict[str, list[Payload]] = {
    tag: [payload for _, payload in _EXAMPLES[tag]] for tag, _ in TYPES
}
"""Valid payloads by type, as the contract shows them."""

PLACEHOLDERS = (
    *("", " ", "\t\n", "0", "00000000-0000-0000-0000-000000000000", "null", "NULL", "None", "nil"),
    *(
        "undefined",
        "unknown",
        "N/A",
        "n/a",
        "-",
        "--",
        "anonymous",
        "guest",
        "(not set)",
        "(not+set)",
    ),
    *("{idfa}", "${GAID}", "[DEVICE_ID]", "__IDFA__", "%%ADVERTISING_ID%%", "{{click_id}}", "NaN"),
    *("[object Object]", "1234567890", "true", "false", "%7Bidfa%7D", "(null)", "<id>", "'null'"),
    *(" null ", "0x0", "-1", "n.u.l.l", "null" + " " * 300, "%null%", "not_set", "Optional(nil)"),
)
REAL_IDS = (
    *(
        "a",
        "A1-b2",
        "38400000-8cf0-11bd-b23e-10b96e40000d",
        "{38400000-8CF0-11BD-B23E-10B96E40000D}",
    ),
    *(" padded ", "x" * 256, "x" * 257, " " + "x" * 256, "a:b", "a b", "é", "ab+cd/ef==", "a%2Bb"),
    *("38400000 8cf0", "\u200bzero-width", "nullable", "guest-17", "0a", "id\nid", "10", "\ud7ff"),
)
TIMES = (
    *(0, 1, -1, NOW, NOW // 1000, NOW * 1000, NOW * 10**6, NOW + 86_400_000, NOW + 86_400_001),
    *(NOW - 90_000, NOW + 90_000, NOW - 400 * 86_400_000, 1_262_304_000_000, 1_262_303_999_999),
    *(2**53, 2**53 + 1, 2**63, float(NOW), NOW + 0.5, str(NOW), "2026-09-21T10:13:20Z", None, True),
)
AMOUNTS = (
    *(
        0,
        1,
        -1,
        1_990_000,
        -1_990_000,
        10**15,
        -(10**15),
        10**15 + 1,
        10**30,
        1.99,
        "1.99",
        "1990000",
    ),
    *(1990000.0, None, True, "", 2**53, -(2**63)),
)
CURRENCIES = (
    *(
        "USD",
        "EUR",
        "usd",
        "Eur",
        "EURO",
        "US",
        "$",
        "",
        " ",
        "XXX",
        "HRK",
        "BYR",
        "LTL",
        "VEF",
        None,
    ),
    *("US\n", "ZZZ", 840, "USD ", ["USD"]),
)
DAYS = (
    *(
        "2026-09-20",
        "2026-02-30",
        "2026-02-29",
        "2024-02-29",
        "2026-04-31",
        "2026-13-01",
        "1969-12-31",
    ),
    *(
        "1970-01-01",
        "2026-9-1",
        "20260920",
        "2026-09-20T00:00:00Z",
        "2026-09-20\n",
        "2030-01-01",
        "",
        7,
    ),
)
TEXTS = (
    "",
    " ",
    "iOS",
    "ANDROID",
    "Germany",
    "de",
    "DE",
    "x" * 1025,
    "x" * 16_385,
    "é\u202e",
    "\u2028",
)
ANYTHING: tuple[object, ...] = (
    None,
    True,
    False,
    0,
    1,
    -1,
    1.0,
    1.5,
    10**40,
    "",
    "x",
    [],
    {},
    [1],
    {"a": 1},
    "null",
    "1",
)


def _referrers(chance: random.Random) -> str:
    text = f"utm_source=adnova&{chance.choice(('click_id', 'gclid', 'CLICK_ID'))}=clk-1"
    for _ in range(chance.randrange(3)):
        text = quote(text, safe="")
    return chance.choice(
        (text, text.replace("&", "&amp;"), "?" + text, "&" * 300, "%" * 300, text[:9])
    )


def _pool(name: str) -> tuple[object, ...]:
    if name in ("currency", "base_currency", "quote_currency", "cost_currency"):
        return CURRENCIES
    if name.endswith(("_micros", "_e9", "quantity", "revision")):
        return AMOUNTS
    if name.endswith(("_time", "_s", "_ms")):
        return TIMES
    if name == "date":
        return DAYS
    if name.endswith("_id") or name in ("gaid", "idfa", "idfv", "oaid", "identity_value"):
        return PLACEHOLDERS + REAL_IDS
    return TEXTS + ANYTHING


def _literals(hint: Any) -> list[object]:
    """Every value that a type lists, in whatever it is wrapped."""
    if isinstance(hint, str | int):
        return [hint]
    return [value for inner in get_args(hint) for value in _literals(inner)]


_CHOICES: dict[str, dict[str, list[object]]] = {
    tag: {
        name: _literals(hint)
        for name, hint in get_type_hints(kind, include_extras=True).items()
        if _literals(hint)
    }
    for (tag, _), kind in TYPES.items()
}


def mutated(tag: str, payload: Mapping[str, Any], chance: random.Random) -> Payload:
    """A copy of a valid payload with one to three mistakes, or none."""
    made = deepcopy(dict(payload))
    kind = TYPES[tag, 1]
    for _ in range(chance.choice((0, 1, 1, 1, 2, 3))):
        name = chance.choice((*kind.__struct_fields__, *made))
        inner = made.get(name)
        roll = chance.random()
        if isinstance(inner, dict) and inner and roll < 0.7:
            deep = chance.choice(list(inner))
            made[name] = inner | {deep: chance.choice(_pool(deep) + ANYTHING)}
        elif isinstance(inner, list) and inner and roll < 0.7:
            made[name] = [_member(one, chance) for one in inner] + inner[: chance.randrange(2)]
        elif roll < 0.1:
            made.pop(name, None)
        elif roll < 0.15:
            made[f"x_{name}"] = chance.choice(ANYTHING)
        elif roll < 0.25:
            made[name] = chance.choice(ANYTHING)
        elif roll < 0.45 and name in _CHOICES[tag]:
            made[name] = chance.choice(_CHOICES[tag][name])
        elif name == "install_referrer":
            made[name] = _referrers(chance)
        elif name not in ("type", "schema_version") or roll < 0.3:
            made[name] = chance.choice(_pool(name))
    return made


def _member(member: object, chance: random.Random) -> object:
    if not isinstance(member, dict) or not member or chance.random() < 0.3:
        return member
    name = chance.choice(list(member))
    return member | {name: chance.choice(_pool(name) + ANYTHING)}


def topic_of(tag: str) -> str:
    return TOPIC_OF_TYPE[TYPES[tag, 1]]


TAGS = sorted(VALID)
