"""The charts of the board as one file, to be sent to somebody or kept."""

from __future__ import annotations

from streams.board.report.report import ReportPlan, WrittenReport, write_report

__all__ = ["ReportPlan", "WrittenReport", "write_report"]
