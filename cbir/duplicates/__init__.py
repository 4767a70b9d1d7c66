"""Finding the copies of images, whatever was done to them."""
