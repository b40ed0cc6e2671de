"""Who will pay: features, labels, the payer model, its learner, snapshots and gates."""
