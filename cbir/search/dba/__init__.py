"""Database-side augmentation: rows of the index, replaced by means with their neighbors."""
