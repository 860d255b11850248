"""What is fitted in a latent space after the network: priors, importance weights, directions."""
