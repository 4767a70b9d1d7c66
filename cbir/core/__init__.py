"""What knows nothing of images and everything above may use."""
