"""What computes a checkpoint's functions: ONNX Runtime or torch."""
