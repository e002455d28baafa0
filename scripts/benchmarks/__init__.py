"""What `scripts/bench` runs: documents, a raw RESP client, measures and their report."""
