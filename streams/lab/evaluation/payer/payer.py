"""How well payers are predicted, in worlds whose true chances are known.

People install for sixty days in worlds none of which is of the model's own kind. What is logged is
replayed in order of time, and every model predicts at every landmark with what it had learned by
then. The first forty days teach the models the world. From then on a disturbance may change it,
and figures are of the predictions made from then on: nobody could have known before that a change
would come. Challengers predict beside the model: the same kernel, and River's FTRL in two ways.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from streams.lab.evaluation.payer.charts import write_payer_charts
from streams.lab.evaluation.payer.judged_predictions import payer_world_figures
from streams.lab.evaluation.payer.runs import replay_payer_worlds
from streams.lab.evaluation.replay.world_plan import WorldPlan
from streams.lab.evaluation.rounded import rounded
from streams.progress import Progress


def evaluate_payer(
    plan: WorldPlan, advance: Progress, plots: Path | None = None, *, has_river: bool = True
) -> dict[str, dict[str, Any]]:
    """Figures by world and disturbance. Charts of each run are written to the folder `plots`."""
    found: dict[str, dict[str, Any]] = {}
    for run in replay_payer_worlds(plan, advance, has_river=has_river):
        figures = payer_world_figures(run.d7, run.d30)
        found.setdefault(run.world, {})[run.disturbance] = rounded(figures)
        if plots is not None:
            write_payer_charts(run, plots)
    return found
