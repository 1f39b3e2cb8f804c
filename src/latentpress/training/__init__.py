"""Training: optimisers, schedules and loops."""
