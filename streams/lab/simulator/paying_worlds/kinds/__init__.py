"""The kinds of people in paying worlds, one a module. `diffusion` is held out for final figures."""

__all__ = ["agents", "diffusion", "fondness", "frailty", "renewal"]
