"""``cbir train``: options and the two ways to learn, from images and from labels."""
