"""`headwater explain`: what became of one event, install or payment, and why."""

from __future__ import annotations

from pathlib import Path

import click

from streams.cli.output import answer_json, answer_text, folder_option, json_option, settings_for


@click.command()
@click.argument("identifier", metavar="ID")
@folder_option
@json_option
def explain(identifier: str, folder: Path | None, as_json: bool) -> int:
    """Tell what became of an install, an event or a transaction, and why.

    ID is an install_id, conversion_id, touch_id, transaction_id, the event_id of an install or a
    touchpoint, or the place of a message in the log as TOPIC:PARTITION:OFFSET. Shows every version
    of the decision with the touchpoints it looked at, fraud, revenue, and predictions with what
    each feature added to them.

    \b
    Example:
      headwater query "SELECT install_id FROM v_attributions LIMIT 1"
      headwater explain i-000017
    """
    from streams.operations.explain.explanation import explain_id
    from streams.operations.explain.explanation_text import explanation_text

    explanation = explain_id(settings_for(folder), identifier)
    if as_json:
        answer_json(explanation.as_json())
    else:
        answer_text(explanation_text(explanation))
    return 0 if explanation.is_known else 1
