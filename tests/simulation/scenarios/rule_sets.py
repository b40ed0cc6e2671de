"""Under which rules a seed runs: the defaults, or some with exceptions for a few."""

from __future__ import annotations

from typing import NamedTuple

from attribution.rules.rules import Rules
from tests.oracle.generated.play import compiled
from tests.oracle.generated.random_source import Seeded
from tests.oracle.generated.rule_draws import draw_rules
from tests.oracle.rulebook import SITE_REASONS, Rulebook, Value


class RuleSet(NamedTuple):
    """The same rules as the oracle reads them, and as the product does."""

    book: Rulebook
    rules: Rules


def rule_set(seed: int) -> RuleSet:
    book = Rulebook({}, ()) if seed % 3 == 0 else draw_rules(Seeded(f"simulation {seed}"))
    book = without_sites(book)
    return RuleSet(book, compiled(book))


def without_sites(book: Rulebook) -> Rulebook:
    """What a site's history says depends on what was known by then, so it only tags here."""
    names = {f"fraud.{reason}" for reason in SITE_REASONS}
    scopes = [scope._replace(values=_others(scope.values, names)) for scope in book.scopes]
    return Rulebook(_others(book.values, names), tuple(scopes))


def _others(values: dict[str, Value], names: set[str]) -> dict[str, Value]:
    return {name: value for name, value in values.items() if name not in names}
