"""Late fusion: one ranking from several descriptors.

:mod:`cbir.fusion.options` says what may be asked for, :mod:`cbir.fusion.formulas` computes it, and
:mod:`cbir.fusion.backgrounds` has the unrelated pictures that distances are measured by.
"""
