"""`headwater rules apply`: put a rule file into force."""

from __future__ import annotations

from pathlib import Path

import click

from streams.cli.output import answer_json, answer_text, folder_option, json_option, settings_for


@click.command("apply")
@click.argument(
    "file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--defaults", is_flag=True, help="Put the rules without a file into force.")
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@folder_option
@json_option
def rules_apply_command(
    file: Path | None, defaults: bool, dry_run: bool, folder: Path | None, as_json: bool
) -> None:
    """Put the attribution rules of FILE into force, and say what changes.

    Afterwards restart the core workers with that file in HEADWATER_RULES: every remembered install
    is decided again. `headwater replay --rules FILE --compare` shows what that does to figures.

    \b
    Example:
      headwater rules apply /etc/headwater/rules.toml
    """
    from streams.wiring.rules_in_force import apply_rule_file

    if (file is None) != defaults:
        raise click.UsageError("name a rule file, or give --defaults")
    change = apply_rule_file(settings_for(folder), file, is_dry=dry_run)
    if as_json:
        answer_json({**change._asdict(), "applied": not dry_run})
        return
    for line in change.changes:
        answer_text(line)
    known = change.before or "none"
    if change.before and not change.changes:
        answer_text(f"Rule set {change.after} is in force already: nothing changes.")
    elif dry_run:
        answer_text(f"Rule set {change.after} would follow {known}.")
    else:
        answer_text(f"Rule set {change.after} follows {known}: restart the core workers with it.")
