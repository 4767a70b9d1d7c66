"""The index that is a CSV file, with its state and its cache in a folder beside it."""
