"""What people come from: apps, media sources, campaigns, sites, countries, networks, currencies."""

__all__ = ["exchange_rates", "market", "networks"]
