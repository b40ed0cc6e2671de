"""Rule sets for Hypothesis, as a person would write them: few names, few values, much overlap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

from hypothesis import strategies as st

from tests.oracle.rulebook import DAY, FOREVER, HOUR, Rulebook, Scope, Value
from tests.worlds.records import by, click

MARCH = 1_772_323_200_000  # 2026-03-01T00:00:00Z
MOMENTS = (MARCH - 1, MARCH, MARCH + DAY)
NAMED = ("", "one", "two")
CALLED = [*product((*NAMED, "other"), (*NAMED, "other"), (*NAMED, "other"))]
"""App, media source and campaign of touchpoints: of some of these scopes know nothing."""

WINDOWS: Mapping[str, Sequence[Value]] = {
    "windows.click": (2 * HOUR, 4 * HOUR, 7 * DAY),
    "windows.probabilistic_click": (HOUR, 3 * HOUR, 6 * HOUR),
}
VALUES: Mapping[str, Sequence[Value]] = {
    "windows.click": (DAY, 2 * DAY, 30 * DAY),
    "windows.inactivity": (0, DAY, 30 * DAY),
    "windows.temporary": (0, DAY),
    "probabilistic.click": (True, False),
    "probabilistic.confidence": (0.5, 0.75),
    "fraud.ctit_anomalies": ("off", "tag", "reject"),
    "fraud.engagements_max": (1, 20),
}


@st.composite
def rulebooks(
    draw: st.DrawFn, options: Mapping[str, Sequence[Value]], default: Mapping[str, Value]
) -> Rulebook:
    """`default` for all, and up to six exceptions; scopes alike in their names never overlap."""
    names = st.tuples(st.sampled_from(NAMED), st.sampled_from(NAMED), st.sampled_from(NAMED))
    chosen = draw(st.lists(names.filter(any), max_size=6, unique=True))
    scopes: list[Scope] = []
    for one in chosen:
        turn = draw(st.sampled_from([FOREVER, MARCH]))
        scopes.append(Scope(*one, 0, turn, draw(_values(options))))
        if turn == MARCH and draw(st.booleans()):
            scopes.append(Scope(*one, MARCH, FOREVER, draw(_values(options))))
    return Rulebook(dict(default), tuple(draw(st.permutations(scopes))))


def found(book: Rulebook, name: str, names: tuple[str, str, str], time: int) -> Value:
    """What the book says for an app, media source and campaign."""
    app_id, media_source, campaign_id = names
    touch = by(click("c", 0), media_source, campaign_id)
    return book.find(name, app_id, touch, time)


def _values(options: Mapping[str, Sequence[Value]]) -> st.SearchStrategy[dict[str, Value]]:
    return st.fixed_dictionaries(
        {}, optional={name: st.sampled_from(list(values)) for name, values in options.items()}
    )
