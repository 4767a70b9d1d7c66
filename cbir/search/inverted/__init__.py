"""Search that compares the query with the rows that share something with it."""
