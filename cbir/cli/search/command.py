"""``search``: find the images most like others."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Unpack

import click
from click.core import ParameterSource

from cbir.cli.choices import Choice, MetricChoice
from cbir.cli.command import Command
from cbir.cli.options import (
    FiniteRange,
    dba_option,
    fusion_options,
    index_option,
    listed,
    once,
    stage_options,
    usual_options,
    where_option,
)
from cbir.cli.progress import TerminalProgress
from cbir.cli.queries import check_streams, query_paths
from cbir.cli.search.all_pairs import check_all_pairs, pairs_of
from cbir.cli.search.checks import check_any_is_there, check_region, check_room
from cbir.cli.search.examples import check_examples, example_options, examples
from cbir.cli.search.formats import FORMATS, Printer
from cbir.cli.search.images import (
    USUAL_MONTAGE,
    check_explanation,
    check_montage,
    make_explanation,
    make_montage,
)
from cbir.cli.search.results import ResultHandler
from cbir.core.amounts import counted
from cbir.core.errors import (
    UnreadableImageError,
    UsageError,
    printable,
)
from cbir.descriptors.presets import PRESETS
from cbir.search.engine import Index, open_index
from cbir.search.request import SearchOptions, SearchRequest
from cbir.search.results import SearchResult

_Answer = SearchResult | UnreadableImageError

_MONTAGE_QUERIES = 20
"""Queries up to which a montage is made without being asked for."""

_SILENT_QUERIES = 20
"""Queries up to which no progress is told."""


_SECTIONS = {
    "Common options": "--query --dataset --index --top --montage --format".split(),
    "How images are compared": (
        "--descriptor --preset --metric --fusion --weights --adaptive --dba --expand --rerank"
        " --verify --region --approximate".split()
    ),
    "Several images in one search": "--together --like --unlike --augment".split(),
    "Which results": (
        "--where --group-by --max-distance --all-pairs --exclude-self --result-path".split()
    ),
    "What is told of them": "--columns --facets --explain".split(),
    "For scripts": "--no-montage --null --from0 --strict --quiet".split(),
}


@click.command(cls=Command, sections=_SECTIONS)
@click.argument("images", metavar="[IMG]...", nargs=-1)
@click.option(
    "-q",
    "--query",
    "queries",
    metavar="PATH",
    multiple=True,
    help="An image, a folder of them, or - for paths on standard input; repeatable. Or IMG by"
    " itself.",
)
@click.option(
    "-d",
    "--dataset",
    metavar="DIR",
    help="Search this folder: its index is brought up to date first. Without --index, that is kept"
    " in your cache folder.",
)
@index_option
@click.option(
    "--top",
    type=click.IntRange(min=1),
    metavar="N",
    default=3,
    show_default=True,
    help="How many to return.",
)
@click.option(
    "--descriptor",
    callback=once,
    multiple=True,
    metavar="ALIAS[+ALIAS…]",
    help="One, or several whose distances are fused.  [default: the first one of the index]",
)
@click.option(
    "--preset",
    callback=once,
    multiple=True,
    type=Choice(list(PRESETS)),
    help="Fuse the descriptors that index --preset has added.",
)
@click.option(
    "--metric",
    callback=once,
    multiple=True,
    type=MetricChoice(),
    help="[default: the descriptor's own]",
)
@fusion_options
@stage_options
@dba_option()
@click.option(
    "--region",
    callback=once,
    multiple=True,
    metavar="X,Y,W,H",
    help="Search by this part of the query: left, top, width and height, in pixels of the upright"
    " image or in percent of it.",
)
@click.option(
    "--approximate",
    is_flag=True,
    help="Look at few images only, by what cbir optimize has made: fast in a large index. Some of"
    " the nearest may be missing.",
)
@example_options
@click.option(
    "--max-distance", type=FiniteRange(min=0), metavar="X", help="Leave out what is farther."
)
@where_option
@click.option(
    "--group-by",
    metavar="COLUMN",
    help="Of the images that have the same in this column, only the nearest.",
)
@click.option(
    "--columns",
    metavar="NAME,…",
    callback=listed,
    multiple=True,
    help="Tell what these columns of metadata say of each result.",
)
@click.option(
    "--facets",
    metavar="NAME,…",
    callback=listed,
    multiple=True,
    help="Count the values of these columns: among all images within --max-distance, or else among"
    " the results.",
)
@click.option(
    "--all-pairs",
    is_flag=True,
    help="Search for every image of the index, and leave itself out: its --top neighbors, or all"
    " within --max-distance.",
)
@click.option("--exclude-self", is_flag=True, help="Leave out the query's own row of the index.")
@click.option(
    "--exclude-identical",
    is_flag=True,
    help="Leave out the query's own row, and all images that have its very bytes.",
)
@click.option(
    "-r", "--result-path", metavar="DIR", help="Where the images are now, if they have moved."
)
@click.option(
    "--montage",
    metavar="FILE",
    help=f"Write an image of the results.  [default: {USUAL_MONTAGE}, for up to"
    f" {_MONTAGE_QUERIES} queries]",
)
@click.option("--no-montage", is_flag=True, help="Write no montage.")
@click.option(
    "--explain",
    metavar="FILE",
    help="Verify the results by local features: tell how many match and where, and write an image"
    " of it.",
)
@click.option("--format", "format_", type=Choice(list(FORMATS)), help="[default: table]")
@click.option("-0", "--null", is_flag=True, help="End paths with NUL; implies --format paths.")
@click.option("--from0", is_flag=True, help="Paths on standard input end with NUL.")
@click.option("--strict", is_flag=True, help="Fail if any query cannot be read.")
@usual_options
def search(
    images: tuple[str, ...],
    queries: tuple[str, ...],
    dataset: str | None,
    index_path: str,
    top: int,
    result_path: str | None,
    liked: tuple[str, ...],
    unliked: tuple[str, ...],
    montage: str | None,
    no_montage: bool,
    explain: str | None,
    all_pairs: bool,
    format_: str | None,
    null: bool,
    from0: bool,
    strict: bool,
    quiet: bool,
    **options: Unpack[SearchOptions],
) -> None:
    """Find the images most like yours.

    IMG is an image, a folder of them, or - for paths on standard input. Results go to standard
    output, an image of them to montage.jpg. Queries that cannot be read are reported and the
    others go on; the exit code is 1 if none could be read.

    \b
    Examples:
      search img.jpg
      search img.jpg --dataset photos
      search img.jpg --top 10 --metric cosine --montage like-img.png
      search img.jpg --descriptor hsv+hog --weights 1,0.5
      search img.jpg --preset photos --expand --rerank k-reciprocal
      search img.jpg --region 25%,0,50%,100%
      search img.jpg --explain matches.jpg
      search front.jpg back.jpg --together
      search --all-pairs --top 10 --format csv
      search img.jpg --like cats/cat-2.jpg --unlike dogs/dog-1.jpg
      search img.jpg --where "price < 20 and color in ('blue', 'red')" --columns name,price
      find photos -name '*.jpg' -print0 | search --query - --from0 --format jsonl
    """
    queries = (*images, *queries)
    if all_pairs:
        check_all_pairs(click.get_current_context())
    else:
        check_examples(queries, options["together"], liked)
    no_montage |= all_pairs
    check_streams(queries, from0, null, format_)
    check_room(options, "paths" if null else format_)
    check_region(options)
    check_montage(montage, no_montage)
    check_explanation(explain)
    paths = query_paths(queries, from0) if queries else []
    check_any_is_there(dataset, paths)
    listener = TerminalProgress(quiet)
    plain = options["descriptor"] is None and options["preset"] is None
    index, options["descriptor"] = _opened(dataset, index_path, result_path, options, listener)
    options["like"], options["unlike"] = examples(index, liked), examples(index, unliked)
    in_use = [index_path, *paths, *liked, *unliked]
    check_montage(montage, no_montage, in_use)
    check_explanation(explain, [montage or USUAL_MONTAGE, *in_use])
    asked, top = pairs_of(index, top, options) if all_pairs else (paths, top)
    searches = 1 if options["together"] else max(1, len(asked))
    wants_montage = not no_montage and (montage is not None or searches <= _MONTAGE_QUERIES)
    if not (wants_montage or no_montage):
        listener.note(f"No montage of more than {_MONTAGE_QUERIES} queries without --montage")
    request = SearchRequest(asked, top, **options)
    is_verified = explain is not None or bool(request.stages.verify)
    printer = Printer(format_ or "table", null, options["columns"], is_verified, options["augment"])
    results = ResultHandler(printer, listener, wants_montage or explain is not None)
    if searches > _SILENT_QUERIES and not sys.stdout.isatty():  # else the results show it
        listener.begin("searching", searches, "queries")
    for note in index.searcher_for(request).notes if request.approximate else ():
        listener.note(note)
    verify = _verifying(index, options, top) if explain is not None else _unchanged
    for result in index.answer(request):
        results.take(verify(result))
    results.finish()
    results.tell(index, options["where"])
    if plain and not quiet:
        _tell_of_presets(index)
    if wants_montage:
        make_montage(results.drawn, montage, top, in_use, listener)
    make_explanation(results.drawn, explain, top, listener)
    _end(results, searches, strict)


def _end(results: ResultHandler, searches: int, strict: bool) -> None:
    """Tell of what failed, and exit so."""
    if results.failure is not None:
        raise results.failure
    unreadable = results.unreadable
    if unreadable and (strict or searches > 1):
        click.echo(f"{unreadable:,} of {counted(searches, 'query')} could not be read", err=True)
    if unreadable and (strict or unreadable == searches):
        sys.exit(1)


def _opened(
    dataset: str | None,
    index_path: str,
    result_path: str | None,
    options: SearchOptions,
    listener: TerminalProgress,
) -> tuple[Index, str | None]:
    """Open the index, up to date if a dataset is given; return it and what to search by."""
    descriptor, preset = options["descriptor"], options["preset"]
    if dataset is not None:
        if result_path is not None:
            raise UsageError("--dataset says where the images are; leave out --result-path")
        from cbir.cli.search.dataset import open_dataset

        source = click.get_current_context().get_parameter_source("index_path")
        named = None if source is ParameterSource.DEFAULT else index_path
        parts = descriptor.split("+") if descriptor else ()
        return open_dataset(dataset, named, parts, [preset] if preset else (), listener)
    index = open_index(index_path, result_path)
    if not index.has_images:
        listener.warn(
            f"the images are not at {printable(index.root)}; say where they are with --result-path"
        )
    return index, descriptor


def _tell_of_presets(index: Index) -> None:
    """Say on a terminal what somebody may have made the index for, who searches by its first."""
    if sys.stderr.isatty() and index.presets:
        names = " and ".join(f"--preset {name}" for name in index.presets)
        click.echo(f"This index also serves {names}", err=True)


def _unchanged(result: _Answer) -> _Answer:
    return result


def _verifying(index: Index, options: SearchOptions, top: int) -> Callable[[_Answer], _Answer]:
    """Return what tells what results have in common with their query."""
    from cbir.search.verified_results import verified_result

    features = index.image_features(options["descriptor"], options["preset"])

    def verify(result: _Answer) -> _Answer:
        if isinstance(result, UnreadableImageError):
            return result
        return verified_result(result, top, features)

    return verify
