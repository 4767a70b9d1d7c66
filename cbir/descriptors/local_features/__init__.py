"""Local features: keypoints or patches of an image, each with a descriptor of its own."""
