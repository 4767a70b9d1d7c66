"""Make the section of docs/results.md from what benchmarks/photographed.py left."""

from __future__ import annotations

import json
from pathlib import Path

RESULTS = Path(__file__).parent / "results"

_HOW = """\
## Photographs by a phone

Covers of books, records and films, photographed by a phone, and groceries, with such a cover around
a can. The share of photographs whose cover stands first among {references} covers and {distractors}
others, and mAP. There are {covers} photographs of covers, {turned} of them turned by 90, 180 or 270
degrees, and {groceries} of groceries. `@20` means that the best 20 are [verified](verification.md),
`+augment` that the photograph is searched for in all its orientations.

The covers and photographs are **made**, by `benchmarks/photographed.py`: real pictures are composed
to covers with titles and small text, and seen in perspective, among other pictures, partly hidden,
in colored light with shadows and reflections, out of focus. How hard that is was set by hand at
another seed. So the table says how these compare, not what real photographs give.
"""


def photographed_section() -> str:
    """Return the section, or nothing as long as nothing was measured."""
    path = RESULTS / "photographed.json"
    if not path.exists():
        return ""
    document = json.loads(path.read_text())
    counts = document["photographs"]
    text = _HOW.format(
        references=document["references"],
        distractors=document["distractors"],
        covers=counts["covers"] + counts.get("turned", 0),
        turned=counts.get("turned", 0),
        groceries=counts["groceries"],
    )
    columns = [column for column in document["rows"][0] if column != "search"]
    lines = ["| search | " + " | ".join(columns) + " |", "|---|" + "---:|" * len(columns)]
    for row in document["rows"]:
        figures = [f"{row[column]:.3f}" for column in columns]
        lines.append("| " + " | ".join([f"`{row['search']}`", *figures]) + " |")
    return f"{text}\n" + "\n".join(lines) + f"\n\n`{document['command']}`\n"
