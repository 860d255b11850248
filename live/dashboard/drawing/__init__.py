"""What the dashboard draws, as pure functions from a snapshot to rows of text."""
