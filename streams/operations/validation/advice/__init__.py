"""How to mend an event: what its producer probably meant, and what is valid but not meant."""

__all__ = [
    "amended_event",
    "amended_value",
    "cautions",
    "check_advice",
    "field_guide",
    "foreign_names",
    "number_texts",
]
