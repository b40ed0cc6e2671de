"""The rule set: lookback windows, fraud modes and bounds, read from a TOML file and checked."""

__all__ = ["checks", "rule_file", "rules"]
