"""Image files: found, and read always the same way, into upright 8-bit RGB arrays."""
