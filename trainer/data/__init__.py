"""From prepared phrases to batches."""
