"""The feature store: local features of images, kept by content."""
