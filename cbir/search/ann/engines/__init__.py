"""Engines of approximate search: libraries behind one small interface, one file each."""
