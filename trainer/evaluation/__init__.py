"""How good a checkpoint is: on held-out phrases, through `Player` alone."""
