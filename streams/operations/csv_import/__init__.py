"""A team's own history, from CSV files to events as `headwater replay` reads them."""

from streams.operations.csv_import.import_map import read_import_map
from streams.operations.csv_import.imported import CsvImport, Fault

__all__ = ["CsvImport", "Fault", "read_import_map"]
"""What other rooms may use."""
