"""The pages of the board, in the order of its menu."""

from __future__ import annotations

from collections.abc import Mapping

from streams.board.pages.campaigns import CAMPAIGNS_PAGE
from streams.board.pages.cohorts import COHORTS_PAGE
from streams.board.pages.fraud import FRAUD_PAGE
from streams.board.pages.models import MODELS_PAGE
from streams.board.pages.operations import OPERATIONS_PAGE
from streams.board.pages.people import PEOPLE_PAGE
from streams.board.pages.postbacks import POSTBACKS_PAGE
from streams.board.pages.today import TODAY_PAGE
from streams.board.panel import Page

EVENT_PAGE = Page(
    name="event",
    title="Is my event here?",
    question="What became of one event, install or payment?",
)
"""Without panels: its reader pastes an id."""

_ALL = (
    TODAY_PAGE,
    CAMPAIGNS_PAGE,
    COHORTS_PAGE,
    PEOPLE_PAGE,
    MODELS_PAGE,
    FRAUD_PAGE,
    POSTBACKS_PAGE,
    OPERATIONS_PAGE,
    EVENT_PAGE,
)
PAGES: Mapping[str, Page] = {page.name: page for page in _ALL}

__all__ = ["PAGES"]
