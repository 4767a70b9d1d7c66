"""Tables of what is known about images, read from files and databases as columns of text."""
