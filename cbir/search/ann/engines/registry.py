"""The engines that there are, by name; imported when they are asked for."""

from __future__ import annotations

from pkgutil import resolve_name

from cbir.core.arguments import one_of
from cbir.search.ann.engines.base import Engine

ENGINES = {
    "faiss-hnsw": "cbir.search.ann.engines.faiss_hnsw:FaissHnsw",
    "faiss-ivfpq": "cbir.search.ann.engines.faiss_ivfpq:FaissIvfPq",
    "faiss-bits": "cbir.search.ann.engines.faiss_bits:FaissBits",
    "hnswlib": "cbir.search.ann.engines.hnswlib_graph:HnswlibGraph",
    "usearch": "cbir.search.ann.engines.usearch_graph:UsearchGraph",
    "usearch-bits": "cbir.search.ann.engines.usearch_graph:UsearchBits",
    "annoy": "cbir.search.ann.engines.annoy_trees:AnnoyTrees",
    "annoy-bits": "cbir.search.ann.engines.annoy_trees:AnnoyBits",
    "scann": "cbir.search.ann.engines.scann_tree:ScannTree",
}

QUANTIZING = "faiss-ivfpq"
"""The engine where a size in bytes is asked for."""

USUAL = {False: "faiss-hnsw", True: "faiss-bits"}
"""The engine unless another one is asked for, for numbers and for packed bits."""


def get(name: str) -> Engine:
    """Return the engine called `name`.

    Raises
    ------
    UsageError
        When there is none.
    """
    engine: type[Engine] = resolve_name(ENGINES[one_of(name, ENGINES, "engine")])
    return engine()
