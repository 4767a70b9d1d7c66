"""All pairs of hashes that differ in few bits."""
