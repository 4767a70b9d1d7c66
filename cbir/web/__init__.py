"""A web page and an API over an index."""
