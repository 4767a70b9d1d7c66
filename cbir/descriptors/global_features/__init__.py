"""Descriptors that are one vector of numbers for the whole image."""
