"""When an install pays for the first time: one discrete-hazard model for every horizon."""
