"""The table of cohorts, kept equal to what the stored outcomes say."""

from __future__ import annotations

from streams.store.cohorts.cohort_build import CohortBuild, build_cohorts, builds_repeated
from streams.store.cohorts.cohort_keeper import CohortKeeper

__all__ = ["CohortBuild", "CohortKeeper", "build_cohorts", "builds_repeated"]
