"""Learns from labeled images what the descriptors of an index are worth, and judges that."""
