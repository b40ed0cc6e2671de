"""What keeps one part of a worker from running too far ahead of another."""

__all__ = ["lead", "log_pace"]
