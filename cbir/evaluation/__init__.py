"""Measuring how good searches are, on images whose right answers are known.

:func:`read_ground_truth` says what is right, :func:`choose_queries` which images query, and
:func:`evaluate` lets them rank an index and measures what they find::

    index = cbir.open("index.csv")
    truth = read_ground_truth("folders", index.paths)
    queries = choose_queries(index, truth)
    evaluation = evaluate(index, truth, queries, [index.searcher("hsv"), index.searcher("hog")])
    best, other = evaluation.runs
    print(best.descriptor, best.mean("map"), best.interval("map"), best.compare(other).p_value)

Every measure is a function of :mod:`cbir.evaluation.measures`, where it is defined.
"""

from cbir.evaluation.document import write_evaluation
from cbir.evaluation.ground_truth import read_ground_truth
from cbir.evaluation.model import CUTOFFS, MEASURES, RECALLS, Evaluation, Hit, Run
from cbir.evaluation.protocols import PROTOCOLS, choose_queries
from cbir.evaluation.query import Queries, Query
from cbir.evaluation.relevance import GroundTruth
from cbir.evaluation.runner import evaluate
from cbir.evaluation.scores import Scores
from cbir.evaluation.searcher import SearcherProtocol
from cbir.evaluation.statistics import Difference
from cbir.evaluation.stored import read_evaluation
from cbir.evaluation.stored_model import StoredEvaluation

__all__ = [
    "CUTOFFS",
    "MEASURES",
    "PROTOCOLS",
    "RECALLS",
    "Difference",
    "Evaluation",
    "GroundTruth",
    "Hit",
    "Queries",
    "Query",
    "Run",
    "Scores",
    "SearcherProtocol",
    "StoredEvaluation",
    "choose_queries",
    "evaluate",
    "read_evaluation",
    "read_ground_truth",
    "write_evaluation",
]
