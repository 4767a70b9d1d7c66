"""Search that compares the query with every row."""
