"""The command ``duplicates``."""
