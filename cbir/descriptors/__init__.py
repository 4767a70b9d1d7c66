"""Descriptors: from an image to the numbers that are compared."""
