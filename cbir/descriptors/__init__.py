"""Descriptors: from a picture to the numbers that are compared."""
