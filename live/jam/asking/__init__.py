"""What the model is asked for, and what of it is asked before a phrase has closed."""
