"""Sparse codes: the visual words of an image, what is kept with each, and how codes are compared.

An encoder makes codes, and declares as data how two of them are compared. An inverted file keeps
codes and compares them; it knows neither features nor encoders.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

MOST_ENTRIES = 65_535
"""Of an image's code."""

CountMetric = Literal["chi2", "cosine", "euclidean", "manhattan"]

_SIGNATURE_BITS = (64, 128, 256)
_COUNT_BYTES = (1, 2)


@dataclass(frozen=True, slots=True, eq=False)
class SparseCode:
    """The visual words of one image.

    Attributes
    ----------
    words : ndarray of uint16 or uint32, shape (n,)
        Ascending.
    payloads : ndarray of uint8, shape (n, b)
        What is kept with each word: a binary signature, or a count, little-endian.
    weights : ndarray of float32, shape (n,), optional
        What each entry of a query counts, when that is not its word's inverse document frequency,
        as with multiple assignment. Codes that are kept have none.
    """

    words: NDArray[np.unsignedinteger]
    payloads: NDArray[np.uint8]
    weights: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.words)


@dataclass(frozen=True, slots=True, eq=False)
class SignatureKernel:
    r"""Compares entries of the same word by their binary signatures.

    Two signatures of :math:`B` bits, :math:`h` of which differ, are alike by :math:`u = 1 - 2h/B`,
    which counts as :math:`\sigma(u) = u^\alpha` where :math:`u` is above the threshold, and else
    as nothing. With the weight :math:`w_i` of an entry of the query, the inverse document
    frequency :math:`f` of its word and the norms :math:`\sqrt{\sum w_i^2}` and
    :math:`\sqrt{\sum f_j^2}` over the entries of the query and of the image, the distance is
    :math:`1 - \sum_{ij} w_i f_j \sigma(u_{ij}) / (|q| |d|)`, cut to the range from 0 to 1.

    Attributes
    ----------
    idf : ndarray of float32, shape (words,)
        The inverse document frequency of each word. It belongs to the vocabulary, so that the norm
        of an image does not depend on the collection.
    bits : {64, 128, 256}
        Of a signature.
    alpha : float
        Above 0. ASMK* has 3.
    threshold : float
        From 0 to below 1.
    repeated : bool
        A code may have the same word more than once, as in Hamming embedding. In ASMK*, there is
        one aggregated signature a word.
    burstiness : bool
        Divide what an entry of the query contributes to an image by the root of the number of its
        matches there, so that repeated structures do not outvote everything else.

    References
    ----------
    G. Tolias, Y. Avrithis, H. Jégou, "Image search with selective match kernels: aggregation
    across single and multiple images", IJCV 2016; H. Jégou, M. Douze, C. Schmid, "Hamming embedding
    and weak geometric consistency for large scale image search", ECCV 2008, and "On the burstiness
    of visual elements", CVPR 2009.

    Examples
    --------
    >>> kernel = SignatureKernel(np.ones(1000, np.float32), bits=128)
    >>> kernel.payload_bytes, kernel.similarities()[[0, 32, 64]]
    (16, array([1.   , 0.125, 0.   ]))
    """

    idf: NDArray[np.float32]
    bits: int
    alpha: float = 3.0
    threshold: float = 0.0
    repeated: bool = False
    burstiness: bool = False

    def __post_init__(self) -> None:
        _check_idf(self.idf)
        if self.bits not in _SIGNATURE_BITS:
            raise ValueError(f"signatures have one of {_SIGNATURE_BITS} bits, not {self.bits}")
        if not (0 <= self.threshold < 1 and 0 < self.alpha < np.inf):
            raise ValueError(f"threshold={self.threshold}, alpha={self.alpha}: out of range")

    @property
    def payload_bytes(self) -> int:
        """Bytes that are kept with each word."""
        return self.bits // 8

    def similarities(self) -> NDArray[np.float64]:
        """Return what signatures count that differ in 0, 1, … bits; shape (bits + 1,)."""
        likeness = 1 - 2 * np.arange(self.bits + 1) / self.bits
        counted = likeness > self.threshold
        return np.where(counted, np.where(counted, likeness, 0) ** self.alpha, 0)


@dataclass(frozen=True, slots=True, eq=False)
class CountKernel:
    r"""Compares how often each word is there: bags of words.

    A word that is there :math:`c` times weighs :math:`c^p f`, with its inverse document frequency
    :math:`f`; a query may have other weights in place of :math:`f`. Weights are normalized: to the
    sum 1 for "chi2" and "manhattan", to the length 1 for "cosine" and "euclidean". The distances
    are those of :mod:`cbir.search.metrics`.

    Attributes
    ----------
    idf : ndarray of float32, shape (words,)
        The inverse document frequency of each word. It belongs to the vocabulary.
    power : float
        Above 0. 1 is plain tf-idf; 0.5 keeps repeated structures from outvoting everything else.
    payload_bytes : {1, 2}
        Of a count.
    metric : {"chi2", "cosine", "euclidean", "manhattan"}

    References
    ----------
    J. Sivic, A. Zisserman, "Video Google: a text retrieval approach to object matching in videos",
    ICCV 2003; D. Nistér, H. Stewénius, "Scalable recognition with a vocabulary tree", CVPR 2006,
    for distances by common words alone; H. Jégou et al., "Aggregating local image descriptors into
    compact codes", PAMI 2012, for the power law.

    Examples
    --------
    >>> kernel = CountKernel(np.ones(1000, np.float32), power=0.5)
    >>> kernel.strengths()[[0, 1, 4, 9]]
    array([0., 1., 2., 3.])
    """

    idf: NDArray[np.float32]
    power: float = 1.0
    payload_bytes: int = 2
    metric: CountMetric = "chi2"

    def __post_init__(self) -> None:
        _check_idf(self.idf)
        if self.payload_bytes not in _COUNT_BYTES:
            raise ValueError(f"counts have one of {_COUNT_BYTES} bytes, not {self.payload_bytes}")
        if not 0 < self.power < np.inf:
            raise ValueError(f"power={self.power}: out of range")

    @property
    def repeated(self) -> bool:
        """Whether a code may have the same word more than once: it is counted instead."""
        return False

    def strengths(self) -> NDArray[np.float64]:
        """Return what each count weighs before its word does; shape (256,) or (65536,)."""
        return np.arange(1 << 8 * self.payload_bytes, dtype=np.float64) ** self.power


WordKernel = SignatureKernel | CountKernel
"""How two codes are compared."""


def _check_idf(idf: NDArray[np.float32]) -> None:
    if idf.ndim != 1 or idf.dtype != np.float32 or not (np.isfinite(idf) & (idf >= 0)).all():
        raise ValueError("idf holds float32, one number a word, finite and not negative")
