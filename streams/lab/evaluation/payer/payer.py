"""How well it is known who will pay, in worlds whose true chances are known.

People install for sixty days in worlds none of which is of the model's own kind; what is logged is
replayed in order of time, and everybody predicts at every landmark with what had been learned by
then. The first forty days are for getting to know the world. From then on something may be
different, and figures are of the predictions made from then on: that a change comes nobody could
have known before. Two others predict beside the model: the same kernel and River's FTRL, both
waiting for the horizon of a label before they learn it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from streams.lab.evaluation.payer.charts import write_payer_charts
from streams.lab.evaluation.payer.judged_predictions import payer_world_figures, rounded
from streams.lab.evaluation.payer.runs import PayingPlan, replay_payer_worlds
from streams.progress import Progress


def evaluate_payer(
    plan: PayingPlan, advance: Progress, plots: Path | None = None
) -> dict[str, dict[str, Any]]:
    """Figures by world and disturbance; charts of each go into the folder `plots`."""
    found: dict[str, dict[str, Any]] = {}
    for run in replay_payer_worlds(plan, advance):
        found.setdefault(run.world, {})[run.disturbance] = rounded(
            payer_world_figures(run.d7, run.d30)
        )
        if plots is not None:
            write_payer_charts(run, plots)
    return found
