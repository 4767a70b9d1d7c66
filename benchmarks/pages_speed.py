"""The texts of docs/speed.md, which `pages.py` writes: of all, and of each table."""

from __future__ import annotations

SPEED = """\
# Speed

This page is made by `python benchmarks/pages.py` from what the programs named below measured, on
a small cloud machine with 2 cores. Figures of other machines differ; the ratios less so.

Nobody waits for a compiler: searches and small indexes use numpy. Compiled loops take over where
there is much to scan, which is 50 million numbers in one program, and only when they were compiled
before on this machine. Then they are loaded in a twentieth of a second, without numba. Another
process compiles them, in a second or two: at the end of a run of `index` over 100,000 images or
more, and while a program goes on that has scanned 300 million numbers. In an inverted file and
among all pairs of hashes numba itself takes over, from five million postings and some thousand
hashes on, under the same conditions.

Exact distances, which decide in the end, have a loop of their own that gives the very numbers that
NumPy gives. It is loaded after five million numbers and compiled after a hundred million.

![Seconds and megabytes of indexing over the number of images](speed-indexing.svg)

![Seconds and megabytes of a search over the number of rows](speed-searching.svg)

These are drawn by `python benchmarks/plots.py` from the tables on memory and on searching.
"""

SPEED_RESULTS = {
    "index-rate-corel1k-ferrari-fashion": "Indexing\nImages a second. decode: the same"
    " threads merely read the same images, compute their SHA-256 and decode them to the same size."
    " index: from the walk to the commit. ratio: index to decode. process: a whole process, its"
    " start included. tutorial: a script as tutorials on image search have it, without its start;"
    " times: index to that.",
    "index-slow-disk-corel1k": "A slow disk\nEvery file takes some milliseconds more to be read."
    " hidden: the share of this time during which something else was done.",
    "index-slow-descriptor-corel1k": "A slow descriptor\nSeconds by a quick descriptor, by a slow"
    " one, and by both in one run. over: what both take beyond the slow one, to what the quick one"
    " takes alone.",
    "search-latency-corel1k": "Searching\nSeconds that a whole `search --no-montage` process takes,"
    " the first time and later; the most memory that is resident in it, and without the bytes of"
    " the columns that it compares; milliseconds in a running program. The rows of larger indexes"
    " repeat real ones. start: what a program takes that only imports NumPy, OpenCV and click.",
    "search-batch-corel1k": "Searching for many\nA process of `search --query -` that gets images"
    " through a pipe: seconds until its first result and until all, which come in order;"
    " milliseconds a query, the decoding included; and the most memory that is resident in it, with"
    " and without the bytes of the columns that it compares. Others used the machine at the same"
    " time, so that times are several times too long.",
    "exact": "Comparing\nMilliseconds that the 10 nearest of many rows take in memory, by their"
    " exact distances; product: those of NumPy's product of the same numbers in single precision"
    " with a vector, which is to read them once; ratio: to that. Then those of a query when 100 are"
    " searched for together. Compiled loops are there before.",
    "local-features": "Local features\nWhat describing crops of images by `asmk` takes on one core,"
    " in milliseconds of its time on average, and what is kept of their features.",
    "inverted": "Growth\nAn inverted file of `asmk` with 16,384 words. The times are those that one"
    " core is at work; peak MB is without mapped files; postings: entries that a query is compared"
    " with. Images that are no crops are made of entries of crops, drawn at random.",
    "filters-fashion": "Conditions on metadata\nMilliseconds that a search in a running program"
    " takes, and how many more with a condition that it has not had before (the median, and the"
    " largest but for one of a hundred); seconds of a whole command, and how many more. Wrong: for"
    " how many of 200 random conditions the results are not those of the filtered full ranking.",
    "approximate-hsv-100000": "Approximate search\nRows drawn from crops of real images; queries"
    " are crops of other images. bare: an engine by itself, by whole vectors; ours: by shorter"
    " ones, with candidates compared exactly. Right are the ten nearest by the descriptor's metric."
    " numbers: of a vector; peak MB is without mapped files; bytes/row are those of the file. ms at"
    " a recall: of the quickest search on one core that reaches it, by effort and number of"
    " candidates; empty where none does. tuned: as `cbir optimize` chooses for a recall of 0.95, on"
    " rows. Others used the machine at the same time, so that times are too long, and differ by"
    " chance. annoy and scann were not measured.",
    "approximate-hsv-1000000": "Approximate search among 1,000,000 rows\nThe same, of the usual"
    " engine, on a machine that others used even more: arranging had two thirds of a core.",
    "approximate-colorfisher-10000000": "Approximate search among 10,000,000 rows\nThe same, of"
    " rows of 256 bytes, by product quantization, on a machine that others used. The queries are"
    " crops of real images, the rows that tuning looks for are drawn, and so are found more easily:"
    " what is tuned for a recall of 0.95 does not reach it.",
    "index-memory-corel1k": "Memory\nSeconds and the peak of a process that indexes more and more"
    " images by `hsv`, and what is left of it without their rows; ms/image: of those beyond the"
    " first number of them.",
    "index-update-fashion": "Updates\nSeconds that `cbir index` takes after 100 images have come to"
    " many. walk: the files are found, and nothing else; beyond: the rest; `cp`: of the file of the"
    " index. Links to real images, under other names.",
    "index-formats-corel1k": "CSV and Parquet\nSeconds to write an index and to read it whole, as"
    " after an edit by hand, and how large its file is ([index-format.md](index-format.md)). The"
    " rows repeat real ones, under other names and contents.",
    "neural-time-corel1k": "Networks\nWhat describing an image by `cnn` takes beside onnxruntime"
    " alone, which gets arrays that are prepared, on one core; then on two; and what decoding takes"
    " besides.",
    "neural-bits-corel1k": "Networks in 8 bits\nHow good `cnn` is as it is stored, and as the"
    " network gives it.",
}
