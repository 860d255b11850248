"""The networks, in torch: encoder, bottleneck, decoder."""
