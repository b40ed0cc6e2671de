"""Fits a pair model to a recorded history: its ids say which touchpoint caused which install."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from attribution.probabilistic.pair_fit import fit_pair_model
from attribution.probabilistic.rule_section import pair_model_toml
from streams.errors import Stop, writing_to
from streams.lab.evaluation.match.known_matches import known_matches
from streams.lab.evaluation.match.pair_figures import pair_figures
from streams.progress import Progress
from streams.replay.engine import in_time_order
from streams.replay.run import SourceReader, counted, survey
from streams.replay.tally import tally
from streams.settings import Settings
from streams.wiring.parts import stage_rules

_INSTALLS_MIN = 200
"""A model of fewer installs with candidates would be noise."""

DETERMINISTIC = frozenset({"referrer", "click_id", "device_id"})
SEED = 1


class _Answer(msgspec.Struct, frozen=True, gc=False):
    """The fields of an attribution that say whether ids decided it."""

    app_id: str
    conversion_id: str
    install_id: str
    version: int
    conversion_type: str
    match_type: str
    touch_id: str


def fit_history(
    settings: Settings, files: Sequence[Path], out: Path, advance: Progress
) -> dict[str, Any]:
    """Write a [pair_model] section for the rule file to `out`; return figures of its calibration.

    The figures are of a model of one half of the installs, on the other half.
    Stop: too few installs have consent, a known touchpoint and candidates.
    """
    rules = stage_rules(settings)
    reader = SourceReader(files, settings.kafka.topic_prefix)
    order = survey(reader.read(), lambda done: advance("read", done, 0))
    reader.unreadable.warn()
    by_time, in_order = in_time_order(reader.read(), order)
    records = counted(by_time, order.records, advance, "decide by ids")
    decided = tally(records, in_order, rules, _Answer).conversions.values()
    answers = {
        (row.app_id, row.install_id): row.touch_id
        for row in decided
        if row.conversion_type == "install" and row.match_type in DETERMINISTIC | {"none"}
    }
    by_time, _ = in_time_order(reader.read(), order)
    records = counted(by_time, order.records, advance, "hide the ids")
    known = list(known_matches(records, answers, rules))
    usable = sum(bool(one.touches) for one in known)
    if usable < _INSTALLS_MIN:
        raise Stop(
            f"{usable} installs have consent, a known touchpoint and candidates in their network:"
            f" a pair model needs {_INSTALLS_MIN} or more; add history"
        )
    model = fit_pair_model(known)
    with writing_to(out):
        out.write_text(pair_model_toml(model))
    figures = pair_figures(known, rules.attribution, SEED)
    return {"model": model.version, "file": str(out), "installs": usable} | figures
