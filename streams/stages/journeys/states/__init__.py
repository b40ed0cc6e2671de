"""The state of an install, and where that of an erased one is kept."""

__all__ = ["closed_installs", "install_state"]
