"""The index that is one file, of whatever format, with its state and its cache beside it."""
