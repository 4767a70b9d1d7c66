"""``cbir serve``: a page and an API over an index."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from cbir.cli.choices import Choice
from cbir.cli.command import Command
from cbir.cli.options import (
    dataset_option,
    index_option,
    pattern_options,
    usual_options,
    workers_option,
)
from cbir.cli.progress import TerminalProgress
from cbir.core.errors import CbirError, UsageError, printable
from cbir.core.optional_packages import missing_of
from cbir.descriptors.presets import PRESETS

if TYPE_CHECKING:
    from cbir.web.settings import WebSettings

_SECTIONS = {
    "Common options": "--dataset --index --descriptor --preset --port --open --quiet".split(),
    "Who may use it": "--host --token-file --without-token --allow-host".split(),
    "What it allows": (
        "--allow-changes --allow-url-host --follow-links --max-upload --max-pixels"
    ).split(),
    "What it shows": "--result-path --evaluation".split(),
    "Updates of the index": "--include --exclude".split(),
}

_MODULES = ("fastapi", "uvicorn", "python_multipart", "urllib3", "prometheus_client")
_MEGABYTE = 1_000_000


class _ServeCommand(Command):
    interrupted = "Stopped."


@click.command(cls=_ServeCommand, sections=_SECTIONS)
@dataset_option()
@index_option
@click.option(
    "--descriptor",
    "descriptors",
    metavar="SPEC",
    multiple=True,
    help="Add this to the index of DIR first, as index --descriptor does; repeatable.",
)
@click.option(
    "--preset",
    "presets",
    type=Choice(list(PRESETS)),
    multiple=True,
    help="Add the descriptors of a preset, which finds more than one does; repeatable.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="N",
    default=8000,
    show_default=True,
    help="0: any that is free.",
)
@click.option(
    "--host",
    metavar="NAME",
    default="127.0.0.1",
    show_default=True,
    help="Listen on this address; 0.0.0.0 is all of them.",
)
@click.option("--open", "open_", is_flag=True, help="Open the page in your browser.")
@click.option(
    "--token-file",
    metavar="FILE",
    help="Let in only who has the token in this file; programs send it as the header"
    " Authorization: Bearer TOKEN.",
)
@click.option("--without-token", is_flag=True, help="Let in everybody, also from other machines.")
@click.option(
    "--allow-host",
    "allowed_hosts",
    metavar="NAME",
    multiple=True,
    help="Also answer to this name, as a proxy in front passes it on; repeatable.",
)
@click.option(
    "--allow-changes",
    is_flag=True,
    help="Allow to add and remove images, to act on copies, and to update the index.",
)
@click.option(
    "--allow-url-host",
    "url_hosts",
    metavar="NAME",
    multiple=True,
    help="Fetch images by their address from this host, or with *. from those below it;"
    " NAME:8080 is another port than the usual; repeatable.",
)
@click.option(
    "--follow-links",
    is_flag=True,
    help="Also serve images that links in the dataset lead to, outside of it.",
)
@click.option(
    "--max-upload",
    type=click.IntRange(1, 2048),
    metavar="MB",
    default=32,
    show_default=True,
    help="Megabytes that an upload may have.",
)
@click.option(
    "--max-pixels",
    type=click.IntRange(1, 256),
    metavar="MP",
    default=64,
    show_default=True,
    help="Megapixels that an uploaded image may have.",
)
@click.option(
    "-r", "--result-path", metavar="DIR", help="Where the images are now, if they have moved."
)
@click.option(
    "--evaluation",
    "evaluations",
    metavar="FILE",
    multiple=True,
    help="Show this result, which cbir evaluate --save kept; repeatable.",
)
@pattern_options
@workers_option
@usual_options
def serve(
    dataset: str | None,
    index_path: str,
    descriptors: tuple[str, ...],
    presets: tuple[str, ...],
    port: int,
    host: str,
    open_: bool,
    token_file: str | None,
    without_token: bool,
    result_path: str | None,
    max_upload: int,
    max_pixels: int,
    workers: int | None,
    quiet: bool,
    **options: Any,
) -> None:
    """Look at an index in a browser, and search it by HTTP.

    Serves a page on which one drops an image and sees what is like it, and the same as JSON; see
    cbir docs web. With DIR, its index is brought up to date first, with --descriptor and --preset;
    without --index, that one is kept in your cache folder. Only this machine is answered unless
    --host says otherwise. Ctrl-C ends it.

    \b
    Examples:
      cbir serve
      cbir serve photos --preset balanced --open
      cbir serve --index products.csv --allow-changes --port 8080
      cbir serve --host 0.0.0.0 --token-file token.txt
    """
    if missing := missing_of(_MODULES, "web"):
        raise CbirError(f"cbir serve {missing}")
    from cbir.web.listening import listen
    from cbir.web.security.hosts import ServedHosts, is_loopback

    listener = TerminalProgress(quiet)
    token = _token(token_file, without_token, host == "localhost" or is_loopback(host))
    hosts = ServedHosts(host, options.pop("allowed_hosts"))
    # That the port is taken is told before anything slow.
    with listen(host, port) as sock, _without_collecting():
        settings = _settings(
            dataset,
            index_path,
            result_path,
            descriptors,
            presets,
            listener,
            max_upload=max_upload * _MEGABYTE,
            max_pixels=max_pixels * 1_000_000,
            **({} if workers is None else {"workers": workers}),
            **options,
        )
        from cbir.web.app import create_app
        from cbir.web.security.tokens import Tokens
        from cbir.web.server import run

        # Servers on other ports of this host get each other's cookies.
        tokens = Tokens(token, f"cbir_session_{sock.getsockname()[1]}")
        app = create_app(settings, tokens, hosts)
        images = len(app.service.index)
        for one in app.service.evaluations.listed():
            if one.problem:
                listener.warn(f"{printable(one.name)}: this evaluation is not shown: {one.problem}")

        def ready(url: str) -> None:
            gc.freeze()  # what was made so far stays
            gc.enable()
            listener.note(
                f"{printable(settings.index)}: {images:,} images at {url} (Ctrl-C ends it)"
            )
            if open_:
                click.launch(url)

        finished = run(
            app,
            sock,
            ready=ready,
            stopping=app.service.stop_streams,
        )
    if not finished:  # threads that nobody waits for any more would delay the end
        sys.stderr.flush()
        os._exit(0)


@contextlib.contextmanager
def _without_collecting() -> Iterator[None]:
    """Look for no garbage meanwhile: among all that imports make there is hardly any."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _token(token_file: str | None, without_token: bool, is_local: bool) -> bytes | None:
    """Return the token, if one is needed; refuse to let in other machines by mistake."""
    from cbir.web.security.token_file import read_token

    if token_file is not None and without_token:
        raise UsageError("--token-file and --without-token contradict each other")
    if token_file is None and not (is_local or without_token):
        raise UsageError(
            "other machines could see all images; give a token with --token-file FILE, or say that"
            " everybody may with --without-token"
        )
    return None if token_file is None else read_token(token_file)


def _settings(
    dataset: str | None,
    index_path: str,
    result_path: str | None,
    descriptors: Sequence[str],
    presets: Sequence[str],
    listener: TerminalProgress,
    **options: Any,
) -> WebSettings:
    """Return the settings; of a dataset, the index is brought up to date first."""
    from click.core import ParameterSource

    from cbir.web.settings import WebSettings

    if dataset is not None:
        if result_path is not None:
            raise UsageError("--dataset says where the images are; leave out --result-path")
        from cbir.cli.search.dataset import open_dataset

        source = click.get_current_context().get_parameter_source("index_path")
        named = None if source is ParameterSource.DEFAULT else index_path
        index_path = open_dataset(
            dataset, named, descriptors, presets, listener, options["include"], options["exclude"]
        )[0].path
        result_path = dataset
    elif descriptors or presets:
        added = "--descriptor" if descriptors else "--preset"
        raise UsageError(
            f"{added} is added to the index of a folder: name the folder, as in cbir serve DIR"
            f" {added} NAME; or add it to an index by index --dataset DIR --index FILE {added} NAME"
        )
    return WebSettings(index=index_path, dataset=result_path, **options)
