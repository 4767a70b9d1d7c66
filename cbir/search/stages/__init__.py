"""What a search does beyond comparing: expansion of the query, re-ranking of what was found.

A stage is a searcher that wraps another one (:mod:`cbir.search.stages.stage`), so that stages can
follow each other, and whatever a searcher can do, such as filters, groups and evaluation, works
with them. :mod:`cbir.search.stage_options` says what may be asked for.
"""
