"""Finding the copies of pictures, whatever was done to them."""
