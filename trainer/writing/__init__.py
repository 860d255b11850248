"""Training the writer: pieces to examples, the network in torch, the loop, figures."""
