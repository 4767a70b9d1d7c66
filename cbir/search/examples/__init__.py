"""Searching by several examples: images together, in all orientations, liked and disliked.

:mod:`cbir.search.examples.formulas` says how distances to several images become one,
:mod:`cbir.search.examples.searcher` wraps any other searcher, stages included.
"""
