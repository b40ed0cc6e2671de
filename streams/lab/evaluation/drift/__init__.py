"""How soon a change is noticed, how often an alarm is false, and what answering one gains."""

__all__ = ["drift", "history_evaluation", "response"]
