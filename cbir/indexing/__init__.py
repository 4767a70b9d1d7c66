"""From a dataset to its index."""
