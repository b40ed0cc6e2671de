"""Who will pay, and what moved people to install."""
