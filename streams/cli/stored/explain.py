"""`headwater explain`: what was decided about one event, install or payment, and why."""

from __future__ import annotations

from pathlib import Path

import click

from streams.cli.output import answer_json, answer_text, folder_option, json_option, settings_for


@click.command("explain")
@click.argument("identifier", metavar="ID")
@click.option(
    "--app",
    default="",
    help="App that the ID belongs to, where several use the same. Example: com.example.harvest",
)
@folder_option
@json_option
def explain_command(identifier: str, app: str, folder: Path | None, as_json: bool) -> int:
    """Explain what became of an event, an install or a payment, and why.

    ID is an event_id, install_id, conversion_id, touch_id, transaction_id, refund_id,
    impression_id, or the position of a message in the log: TOPIC:PARTITION:OFFSET.

    Prints what became of each event: decided, a duplicate of which other event, parked until when,
    or a dead letter. Of installs it prints every version of the decision with its candidates, the
    signs of fraud, the revenue, and the predictions with the contribution of each feature. The exit
    code is 1 if the ID is unknown.

    \b
    Example:
      headwater query "SELECT install_id FROM v_attributions LIMIT 1"
      headwater explain 5f0c1a52-7d0e-4f6b-9a53-2d1c7f1b8e10
    """
    from streams.operations.explain import explain_id, explanation_text

    explanation = explain_id(settings_for(folder), identifier, app)
    if as_json:
        answer_json(explanation.as_json())
    else:
        answer_text(explanation_text(explanation))
    return 0 if explanation.is_known else 1
