"""Networks that learned from other images what things look like, run by onnxruntime or PyTorch."""
