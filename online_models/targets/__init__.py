"""What is predicted of installs, and the file that declares it."""

__all__ = [
    "target_file",
    "targets",
]
