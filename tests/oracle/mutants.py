"""Cores that are wrong in one place, to see that the oracle notices.

Each is a copy of the product's `attribution` with one piece of text replaced.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

import attribution

SOURCE = Path(attribution.__file__).parent


class Mutant(NamedTuple):
    """`old` stands exactly once in the file."""

    fault: str
    file: str
    old: str
    new: str


MUTANTS = (
    Mutant(
        "views before clicks",
        "decision/waterfall.py",
        "return is_click + (0 if",
        "return (not is_click) + (0 if",
    ),
    Mutant(
        "guesses before certainty",
        "decision/waterfall.py",
        "Signal.PROBABILISTIC else 2)",
        "Signal.PROBABILISTIC else -2)",
    ),
    Mutant(
        "the weaker signal first",
        "decision/waterfall.py",
        "touch.time, -candidate.signal, touch.event_id",
        "touch.time, candidate.signal, touch.event_id",
    ),
    Mutant(
        "ties not broken by id",
        "decision/waterfall.py",
        "-candidate.signal, touch.event_id",
        '-candidate.signal, ""',
    ),
    Mutant(
        "a window that ends a millisecond early",
        "decision/waterfall.py",
        "install.time - touch.time > window:",
        "install.time - touch.time >= window:",
    ),
    Mutant(
        "the first open is not before itself",
        "decision/waterfall.py",
        "if touch.time > install.time and",
        "if touch.time >= install.time and",
    ),
    Mutant(
        "earlier installs make no difference",
        "decision/waterfall.py",
        "if (one.time, one.install_id) < name",
        "if (one.time, one.install_id) < name and False",
    ),
    Mutant(
        "the touchpoint of the earlier install counts again",
        "decision/waterfall.py",
        "touch.time <= case.prior.time",
        "touch.time < case.prior.time",
    ),
    Mutant(
        "whoever is rejected does not count as robbed of the credit",
        "decision/waterfall.py",
        "        if robbed is None:",
        "        if robbed is None and False:",
    ),
    Mutant(
        "a late touchpoint that changes the winner makes no version",
        "journey/decisions.py",
        "_decision_text(case, judgement, rules) == journey.decided",
        "journey.version > 0",
    ),
    Mutant(
        "touchpoints of the last answer bring nobody back",
        "journey/steps.py",
        "    if not logged:\n        return journey, facts + decided",
        "    if not logged or journey.version == 1:\n        return journey, facts + decided",
    ),
    Mutant(
        "a touchpoint brings back twice",
        "decision/reengagement.py",
        "        used.add(best.touch.event_id)\n",
        "",
    ),
    Mutant(
        "a session at the time of the touchpoint was activity before it",
        "decision/reengagement.py",
        "bisect_left(active, touch.time) - 1]",
        "bisect_left(active, touch.time + 1) - 1]",
    ),
    Mutant(
        "an exception for all beats one for a campaign",
        "rules/rules.py",
        "for scope in matching:",
        "for scope in reversed(matching):",
    ),
    Mutant(
        "an exception holds a millisecond longer",
        "rules/rules.py",
        "time < self.until",
        "time <= self.until",
    ),
    Mutant(
        "the last claim on a click id wins",
        "decision/fraud.py",
        "min([touch, *claims]",
        "max([touch, *claims]",
    ),
)


def broken_core(mutant: Mutant, folder: Path) -> None:
    """Puts the mutant where Python finds it before the product."""
    copy = folder / "attribution"
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    file = copy / mutant.file
    text = file.read_text()
    assert text.count(mutant.old) == 1, f"{mutant.file} no longer says {mutant.old!r}"
    file.write_text(text.replace(mutant.old, mutant.new))
