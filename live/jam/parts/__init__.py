"""The parts that a model plays: which, on what channel, how loud, and which are left out."""
