"""Latent spaces: their geometry, directions in them, and the priors over them."""
