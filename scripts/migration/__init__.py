"""What scripts/migrate-check and scripts/migrate-copy are made of; Python's standard library alone."""
