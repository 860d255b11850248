"""Measures the instrument against its budgets, each beside a floor measured in the same run."""
