"""Late fusion: one ranking from several descriptors.

:mod:`cbir.search.fusion.options` says what may be asked for, :mod:`cbir.search.fusion.formulas`
computes it, and :mod:`cbir.search.fusion.backgrounds` has the unrelated images that distances are
measured by.
"""
