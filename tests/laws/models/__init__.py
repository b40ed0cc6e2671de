"""Laws of what models learn, publish and resume."""
