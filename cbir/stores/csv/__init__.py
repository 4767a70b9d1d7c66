"""The index that is a CSV file."""
