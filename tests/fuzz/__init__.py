"""Foreign bytes for every parser: whatever they are, it reads them or raises a CbirError."""
