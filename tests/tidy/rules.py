"""The table of rules. Each maps a tree to its offenders and what to do about each."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.tidy import declared, layout, lint_exceptions, names, prose
from tests.tidy.source_tree import Tree

Rule = Callable[[Tree], dict[str, str]]

RULES: Mapping[str, Rule] = {
    rule.__name__: rule
    for rule in (
        layout.crowded_folders,
        layout.long_functions,
        layout.long_files,
        layout.long_readme,
        layout.misnamed_files,
        layout.gerund_files,
        layout.faceless_packages,
        names.shared_names,
        names.empty_names,
        names.private_words,
        names.vague_locals,
        prose.private_phrases,
        declared.unread_settings,
        declared.unexplained_metrics,
        declared.unexplained_bounds,
        declared.unused_fields,
        lint_exceptions.unjustified_exceptions,
    )
}
