"""What a seed draws: people, advertisements, rule sets, and what broken producers write."""
