"""Approximate search: structures that name the nearest rows of an index without seeing all.

A structure finds neighbors by vectors that stand for the rows (:mod:`cbir.search.ann.geometry`), by
one of several engines (:mod:`cbir.search.ann.engines`); those that it names are compared exactly.
:mod:`cbir.search.optimizing` makes structures, :mod:`cbir.search.ann.opening` opens them.
"""
