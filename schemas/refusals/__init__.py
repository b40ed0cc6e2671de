"""Why an event is refused: fixed reasons, what its times and money must be, advice on units."""

__all__ = ["checks", "defects", "time_units"]
