"""Finding what is lost with a copy: what its file holds or shows, and the kept image does not.

:mod:`detector` finds the losses of a pair of images, and :mod:`file_contents` those that only the
files tell, beyond 8-bit RGB; :mod:`cbir.duplicates.loss` says which kinds there are, and which are
allowed.
"""
