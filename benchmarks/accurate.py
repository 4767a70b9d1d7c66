"""What each part of the preset `accurate` gains, on labeled images.

Examples::

    python benchmarks/accurate.py holidays --truth 'groups:^(....)'
    python benchmarks/accurate.py corel1k --sample 200

Measured are the best classical presets, local features by themselves and verified, and the preset
without and with its stages, with query expansion or database-side augmentation in their place, and
with all of its stages on top of that. Each is compared with
`photos`, query by query. The truth, the protocols and the measures are those of ``cbir evaluate``.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from common import keep, print_table
from evaluate import sample
from labeled import add_options, read_queries

import cbir
from cbir.core.threads import one_thread_each
from cbir.descriptors.presets import PRESETS
from cbir.evaluation import evaluate
from cbir.evaluation.statistics import paired_difference
from cbir.search.stage_options import AVERAGED, NO_RERANKING, Stages

PRESET = "accurate"
REFERENCE = "photos"

NOTHING = Stages(rerank=NO_RERANKING, verify=0)

SEARCHES: dict[str, dict[str, Any]] = {
    "photos": {"preset": "photos"},
    "balanced": {"preset": "balanced"},
    "asmk": {"descriptor": "asmk"},
    "asmk, verified": {"descriptor": "asmk", "stages": Stages(verify=100)},
    "accurate, without stages": {"preset": PRESET, "stages": NOTHING},
    "accurate, averaged only": {
        "preset": PRESET,
        "stages": Stages(rerank=NO_RERANKING, verify=0, dba=AVERAGED),
    },
    "accurate, expanded only": {
        "preset": PRESET,
        "stages": Stages(expand=5, rerank=NO_RERANKING, verify=0),
    },
    "accurate, re-ranked only": {"preset": PRESET, "stages": Stages(verify=0)},
    "accurate, verified only": {"preset": PRESET, "stages": Stages(rerank=NO_RERANKING)},
    "accurate": {"preset": PRESET},
    "accurate, averaged": {"preset": PRESET, "stages": Stages(dba=AVERAGED)},
}


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add_options(parser)
    parser.add_argument("--sample", type=int, help="queries at most, evenly by a hash of the path")
    options = parser.parse_args()
    presets = ("photos", "balanced", PRESET)
    specs = dict.fromkeys(spec for name in presets for spec in PRESETS[name].specs)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "index.csv")
        cbir.index(str(options.dataset), path, list(specs))
        index = cbir.open(path, str(options.dataset))
        truth, queries = read_queries(index, options)
        asked = sample(queries, index.paths, options.sample)
        with one_thread_each():
            rows = [_measured(index, truth, asked, name) for name in SEARCHES]
    reference = next(row["values"] for row in rows if row["search"] == REFERENCE)
    for row in rows:
        found = paired_difference(row.pop("values"), reference)
        row["gain"] = [round(value, 4) for value in (found.mean, found.low, found.high)]
    print_table(
        ["search", "mAP", "P@10", "P@1", "gain over photos", "ms"],
        [
            [row["search"], row["map"], row["p10"], row["p1"], row["gain"], row["ms"]]
            for row in rows
        ],
    )
    name = "-".join(filter(None, ("accurate", options.dataset.name, options.label)))
    facts = {
        "dataset": options.dataset.name,
        "images": len(index),
        "protocol": queries.protocol,
        "possible_queries": len(queries.queries),
        "asked_queries": len(asked.queries),
    }
    keep(name, facts | {"rows": rows})


def _measured(index: cbir.Index, truth: Any, queries: Any, name: str) -> dict[str, Any]:
    (run,) = evaluate(index, truth, queries, [index.searcher(**SEARCHES[name])]).runs
    means = {key: round(run.mean(key), 4) for key in ("map", "precision@10", "precision@1")}
    print(f"{name}: {means}", flush=True)
    return {
        "search": name,
        "map": means["map"],
        "p10": means["precision@10"],
        "p1": means["precision@1"],
        "ms": round(run.ms_per_query, 1),
        "bytes": run.bytes_per_image,
        "values": run.scores.values["map"],
    }


if __name__ == "__main__":
    main()
