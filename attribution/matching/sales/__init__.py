"""What goes beyond one transaction id: periods that share it, purchases that restore another."""

__all__ = ["family", "periods", "rebook"]
