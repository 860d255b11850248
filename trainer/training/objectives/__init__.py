"""What a step of training minimises: one module per objective behind the protocol of `base`."""
