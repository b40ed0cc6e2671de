"""Multi-touch attribution: shares of credit, and the sampled paths that they are learned from."""

from __future__ import annotations

from typing import Literal

from msgspec import field

from schemas.outcomes.outcome import Outcome

CreditMethod = Literal[
    "first", "last", "linear", "time_decay", "position", "markov", "shapley", "hazard"
]


class Credit(Outcome, frozen=True, kw_only=True, gc=False):
    """How the credit of an install is shared among channels and organic, by every method.

    Shares are rounded to six digits and sum to 1; who gets nothing is left out. The last three
    are empty while no model is in force. The highest revision is the current one.
    """

    credit_id: str  # conversion_id:revision
    conversion_id: str
    install_id: str
    revision: int  # 1, 2, … whenever other touchpoints count than before
    version: int  # of the decision by then
    app_id: str
    model_version: str  # "": none was in force
    by_first: dict[str, float]
    by_last: dict[str, float]
    by_linear: dict[str, float]
    by_time_decay: dict[str, float]
    by_position: dict[str, float]
    by_markov: dict[str, float] = field(default_factory=dict)
    by_shapley: dict[str, float] = field(default_factory=dict)
    by_hazard: dict[str, float] = field(default_factory=dict)
    install_time: int
    decided_at: int  # log time of the last evidence


class ExposureRow(Outcome, frozen=True, kw_only=True, gc=False):
    """The touchpoints of a sampled device in a window, whether it installed or not."""

    path_id: str
    app_id: str
    channels: list[str]  # in order of time
    touch_times_ms: list[int]
    begin_time: int
    end_time: int
    installed_at: int  # 0: not in this window
    weight: float  # how many devices it stands for
