"""What an image file holds beside the 8-bit RGB image that is compared."""
