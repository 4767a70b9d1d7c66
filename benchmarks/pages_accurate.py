"""Make the section of docs/results.md from what benchmarks/accurate.py left."""

from __future__ import annotations

import json
from pathlib import Path

RESULTS = Path(__file__).parent / "results"

_HOW = """\
## The preset accurate, part by part

`accurate` fuses [local features](local-features.md) with descriptors of whole images, ranks the
best results again by their neighbors ([k-reciprocal](reranking.md)) and puts first what is
[verified](verification.md). Each line is a search with some of that. In brackets: how much more mAP
than `photos`, with its 95 % interval over the queries. ms: of a search with both cores at work.

No label, vocabulary, projection or weight was learned from these images. The weights and the limits
of the stages were chosen, the same for all sets, while looking at figures of these sets, which
flatters them a little.
"""


def accurate_section() -> str:
    """Return the section, or nothing as long as nothing was measured."""
    parts = []
    for path in sorted(RESULTS.glob("accurate-*.json")):
        document = json.loads(path.read_text())
        asked, possible = document["asked_queries"], document["possible_queries"]
        of_all = "" if asked == possible else f" of {possible:,}"
        lines = [
            f"### {document['dataset']}",
            "",
            f"{document['images']:,} images, {asked:,}{of_all} queries (`{document['command']}`).",
            "",
            "| search | mAP | P@10 | P@1 | ms | bytes |",
            "|---|---:|---:|---:|---:|---:|",
        ]
        for row in document["rows"]:
            gain, low, high = row["gain"]
            more = "" if row["search"] == "photos" else f" ({gain:+.3f}, {low:+.3f} to {high:+.3f})"
            figures = f"{row['map']:.3f}{more} | {row['p10']:.3f} | {row['p1']:.3f}"
            lines.append(f"| {row['search']} | {figures} | {row['ms']:.0f} | {row['bytes']:,} |")
        parts.append("\n".join(lines) + "\n")
    return "\n".join([_HOW, *parts]) if parts else ""
