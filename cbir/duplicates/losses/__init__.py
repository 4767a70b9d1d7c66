"""What is lost with a copy: what its file holds or shows, and the kept image does not.

:mod:`kinds` says which kinds of losses there are and which are allowed, :mod:`detector` finds those
of a pair of images, and :mod:`file_contents` those that only the files tell, beyond 8-bit RGB.
"""
