"""What stands between the network and the web application, and knows nothing of images.

Each middleware is plain ASGI and does one thing; :func:`cbir.web.security.guard.guarded` puts them
around an application in the order in which they work.
"""
