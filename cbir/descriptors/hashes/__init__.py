"""Perceptual hashes: descriptors that are a few dozen to a few hundred bits."""
