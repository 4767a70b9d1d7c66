"""Names for arrays of numbers, below all that computes with them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
"""Numbers in single precision, of any shape: of patches, mixtures, vectors."""
