"""Compares facts with those of a run that forgot a person sooner or later.

What comes late for an erased person is booked under ids that name nobody. Whether a row came late
depends on how the partitions interleaved, so the facts of two runs may differ in that alone.
"""

from __future__ import annotations

from typing import Any

from streams.stages.common.pseudonyms import AnonymousIds, is_anonymous_text

SECRET = b"secret"
_IDS = AnonymousIds(SECRET)


def agree_without_names(found: Any, expected: Any) -> bool:
    """Whether both are the same once nothing is named in either; False where nobody is erased."""
    is_about_erased = _has_erased(found) or _has_erased(expected)
    return is_about_erased and without_names(found) == without_names(expected)


def without_names(facts: Any) -> Any:
    """The same facts with an anonymous id in place of each text; amounts of one key are added."""
    if isinstance(facts, str):
        return _IDS.of(facts)
    if isinstance(facts, dict):
        found: dict[Any, Any] = {}
        for key, value in facts.items():
            name, fact = without_names(key), without_names(value)
            found[name] = found[name] + fact if name in found and type(fact) is int else fact
        return found
    if isinstance(facts, (list, tuple, set, frozenset)):
        return type(facts)(map(without_names, facts))
    return facts


def _has_erased(facts: Any) -> bool:
    if isinstance(facts, str):
        return is_anonymous_text(facts) is not None
    if isinstance(facts, dict):
        return any(map(_has_erased, facts.keys())) or any(map(_has_erased, facts.values()))
    return isinstance(facts, (list, tuple, set, frozenset)) and any(map(_has_erased, facts))
