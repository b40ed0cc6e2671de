"""Views and charts as files, and the table behind those of cohorts."""

from __future__ import annotations

from streams.cli.views.cohorts import cohorts_command
from streams.cli.views.export import export_command
from streams.cli.views.report import report_command

__all__ = ["cohorts_command", "export_command", "report_command"]
