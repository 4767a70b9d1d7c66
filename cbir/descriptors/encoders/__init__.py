"""Encoders: from the local features of an image to one vector."""
