"""Which images may be found: conditions on what is known about them."""
