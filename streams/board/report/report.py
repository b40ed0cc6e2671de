"""Reads the panels of a report, and writes them to a file as a whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from streams.board.answers import PageAnswer, PageAnswers
from streams.board.filters import Filters
from streams.board.pages import PAGES
from streams.board.panel import Page
from streams.board.report.report_page import report_page
from streams.errors import Stop
from streams.operations.export import write_whole
from streams.settings import Settings
from streams.wiring.store import read_limits, stored

PANELS: Mapping[str, Sequence[str]] = {
    "today": ("newest-day", "installs", "money"),
    "campaigns": ("predicted-payers", "payers-by-campaign", "returns", "campaigns", "payback"),
    "cohorts": ("retention", "value", "cohorts", "funnel"),
    "models": ("tiers", "reliability", "calibration", "coverage"),
    "fraud": ("by-day", "by-source"),
}
"""Panels of the board by page. None has rows of single users: a file is sent around."""


@dataclass(frozen=True, slots=True)
class ReportPlan:
    """What to write, and where. `until` None: the newest day of the log; `app` empty: all."""

    file: Path
    app: str = ""
    days: int = 30
    until: date | None = None


@dataclass(frozen=True, slots=True)
class WrittenReport:
    panels: int
    refused: tuple[str, ...]  # names of panels that the store did not answer, and why
    bytes: int


def write_report(settings: Settings, plan: ReportPlan) -> WrittenReport:
    """Write the file.

    Stop, in one line: the store cannot be read, or has no such app or no such day. OSError: the
    file cannot be written.
    """
    filters = Filters(plan.app, plan.days)
    with stored(settings) as store:
        answers = PageAnswers(lambda: nullcontext(store), read_limits(settings), until=plan.until)
        pages = [answers.page(_part(name, panels), filters) for name, panels in PANELS.items()]
        _require_what_was_asked_for(plan, pages[0], answers)
    document = report_page(pages, filters)
    write_whole(plan.file, document)
    panels = [panel for page in pages for panel in page.panels]
    refused = tuple(f"{one.panel.name}: {one.error}" for one in panels if one.error)
    return WrittenReport(len(panels), refused, len(document))


def _require_what_was_asked_for(plan: ReportPlan, first: PageAnswer, answers: PageAnswers) -> None:
    if first.reason:
        raise Stop(first.reason)
    if not first.apps:
        raise Stop("nothing is stored yet of which a report could be: no install was decided")
    if plan.app and plan.app not in first.apps:
        listed = ", ".join(first.apps[:10]) + ", …" * (len(first.apps) > 10)
        raise Stop(f"there is no app {plan.app!r}; the apps are {listed}")
    newest = answers.newest_stored()
    if plan.until and plan.until > newest:
        raise Stop(f"--until {plan.until} is not stored yet: the newest day is {newest}")


def _part(name: str, panels: Sequence[str]) -> Page:
    page = PAGES[name]
    chosen = [panel for panel in page.panels if panel.name in panels]
    assert len(chosen) == len(panels), f"a panel of {name} is gone"
    return Page(name=page.name, title=page.title, question=page.question, panels=chosen)
