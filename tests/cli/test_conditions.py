"""``--where``, ``--columns``, ``--group-by`` and ``--facets`` as a user runs them."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.conftest import Run

TABLE = """id,kind,price,note,mixed
cat-1,cat,4.50,"a, b",x
cat-2,cat,7,,y
cat-3,cat,NA,c,z
orange-dune-1,dune,2,d,x
orange-dune-2,dune,30,\x1b[1mbold,y
"""
QUERY = "photos/cats/cat-1.jpg"


@pytest.fixture
def shop(here: Run, photos: Path) -> Run:
    """Run commands beside an index with metadata."""
    Path("shop.csv").write_text(TABLE)
    assert here("index", "photos", "--metadata", "shop.csv", "--quiet").returncode == 0
    return here


def names(run: Run, *arguments: str) -> list[str]:
    done = run("search", QUERY, "--no-montage", "--format", "paths", *arguments)
    assert done.returncode == 0, done.stderr
    return [Path(line).stem for line in done.stdout.splitlines()]


def test_top_n_means_n_of_those_that_match(shop: Run) -> None:
    every = names(shop, "--top", "99")
    cats = [name for name in every if name.startswith("cat")]
    assert len(every) == 12 and len(cats) == 3
    assert names(shop, "--where", "kind = 'cat'") == cats
    assert names(shop, "--where", "kind = 'cat'", "--top", "2") == cats[:2]
    assert names(shop, "--where", "price > 3", "--top", "9") == [
        name for name in every if name in ("cat-1", "cat-2", "orange-dune-2")
    ]
    assert names(shop, "--where", "kind = 'cat'", "--exclude-self") == cats[1:]


def test_of_each_group_the_nearest_comes(shop: Run) -> None:
    every = names(shop, "--top", "99")
    unknown = [name for name in every if not name.startswith(("cat", "orange"))]
    dunes = [name for name in every if name.startswith("orange")]
    assert set(names(shop, "--group-by", "kind", "--top", "9")) == {
        "cat-1", dunes[0], unknown[0]
    }  # fmt: skip


def test_every_format_tells_what_is_known(shop: Run) -> None:
    options = ("--top", "2", "--where", "kind = 'cat'", "--columns", "kind,price,note,path")
    table = shop("search", QUERY, *options, "--facets", "kind,price")
    lines = table.stdout.splitlines()
    assert lines[1].split() == ["kind", "price", "note", "path"]
    assert lines[2].split()[2:6] == ["cat", "4.50", "a,", "b"]
    assert lines[4:6] == ["  kind:", "    2  cat"] and "    1  4.5" in lines
    with Image.open("montage.jpg") as montage:
        told = montage.height
    assert shop("search", QUERY, "--top", "2").returncode == 0
    with Image.open("montage.jpg") as montage:
        assert told == montage.height + 4 * 18

    text = shop("search", QUERY, *options, "--no-montage", "--format", "json").stdout
    (document,) = json.loads(text)
    assert document["results"][0]["metadata"] == {
        "kind": "cat", "price": 4.5, "note": "a, b", "path": "cats/cat-1.jpg"
    }  # fmt: skip
    line = shop("search", QUERY, *options, "--no-montage", "--format", "jsonl").stdout
    assert json.loads(line) == document

    text = shop("search", QUERY, *options, "--no-montage", "--format", "csv").stdout
    row = next(csv.DictReader(io.StringIO(text)))
    assert [row[name] for name in ("kind", "price", "note")] == ["cat", "4.50", "a, b"]
    assert row["path"] == QUERY and row["metadata_path"] == "cats/cat-1.jpg"


def test_facets_count_all_that_is_near(shop: Run) -> None:
    options = ("--facets", "kind", "--top", "1", "--no-montage", "--format", "json")
    (found,) = json.loads(shop("search", QUERY, *options, "--max-distance", "70").stdout)
    assert len(found["results"]) == 1
    assert found["facets"]["kind"] == [
        {"value": None, "count": 7}, {"value": "cat", "count": 3}, {"value": "dune", "count": 2}
    ]  # fmt: skip
    (found,) = json.loads(shop("search", QUERY, *options).stdout)
    assert found["facets"]["kind"] == [{"value": "cat", "count": 1}]


def test_what_a_table_says_reaches_no_terminal_as_it_is(shop: Run) -> None:
    done = shop("search", QUERY, "--columns", "note", "--facets", "note", "--where", "price = 30")
    assert done.stdout.count(r"\x1b[1mbold") == 2 and "\x1b" not in done.stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--where price>", "no condition: syntax error"),
        ("--where prize>3", "--where: the index has no column 'prize'; it has: kind, price, note"),
        ("--where (select(1))=1", "a query inside of it is not allowed"),
        ("--where kind>3", "--where kind>3: "),
        ("--where=", "it is empty"),
        ("--where kind=cat", "text stands in quotation marks: 'text'"),
        ("--where price>1&&price<2", "join conditions by and, or"),
        ("--where kind=‘cat’", "text stands in quotation marks: 'text'"),
        ("--columns kind,prize", "--columns: the index has no column 'prize'"),
        ("--columns=", "it is empty"),
        ("--group-by x", "--group-by: the index has no column 'x'"),
        ("--facets x", "--facets: the index has no column 'x'"),
        ("--columns kind --format paths", "--format paths has no room for --columns"),
        ("--facets kind --null", "--format paths has no room for --facets"),
        ("--facets kind --format csv", "--format csv has no room for --facets"),
    ],
)
def test_wrong_use_is_told_and_writes_nothing(shop: Run, options: str, message: str) -> None:
    done = shop("search", QUERY, *options.split())
    assert done.returncode == 2 and message in done.stderr and not done.stdout
    assert not Path("montage.jpg").exists()


def test_the_place_of_a_fault_is_shown(shop: Run) -> None:
    done = shop("search", QUERY, "--where", "price > 3 and kimd = 'cat'")
    assert (
        "did you mean 'kind'?\n  price > 3 and kimd = 'cat'\n                ^^^^\n" in done.stderr
    )


def measured(run: Run, *arguments: str) -> dict[str, Any]:
    done = run("evaluate", "--index", "index.csv", "--format", "json", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_column_of_the_index_says_what_is_right(shop: Run) -> None:
    own = measured(shop, "--label", "kind")
    other = measured(shop, "--truth", "shop.csv", "--key", "id", "--label", "kind")
    assert own["queries"] == 5 and own["truth"] == "index.csv:kind"
    assert own["runs"][0]["map"] == other["runs"][0]["map"]
    done = shop("evaluate", "--index", "index.csv", "--label", "kimd")
    assert done.returncode == 2 and "--label: the index has no column 'kimd'" in done.stderr
    done = shop("evaluate", "--index", "index.csv", "--label", "kind", "--key", "id")
    assert done.returncode == 2 and "the index knows its images" in done.stderr


def test_an_evaluation_with_a_condition_is_that_of_these_images(shop: Run, photos: Path) -> None:
    some = measured(shop, "--where", "path like 'cats/%' or path like 'desert/%'")
    for folder in photos.iterdir():
        if folder.name not in ("cats", "desert"):
            shutil.rmtree(folder)
    shop("index", "photos", "--index", "few.csv", "--quiet")
    few = json.loads(shop("evaluate", "--index", "few.csv", "--format", "json").stdout)
    assert (some["images"], some["queries"]) == (few["images"], few["queries"]) == (5, 5)
    assert some["where"] == "path like 'cats/%' or path like 'desert/%'"
    for name in ("map", "ndcg", "precision"):
        assert some["runs"][0][name] == few["runs"][0][name]


def test_the_page_of_failures_tells_what_is_known(shop: Run) -> None:
    options = ("--columns", "price,note", "--failures", "failures.html", "--where", "price > 0")
    measured(shop, "--label", "mixed", *options)
    page = Path("failures.html").read_text(encoding="utf-8")
    assert page.count('<p class="facts">price: 4.50</p>') >= 1 and "where price &gt; 0" in page
    assert r"note: \x1b[1mbold" in page
    done = shop("evaluate", "--index", "index.csv", "--columns", "price")
    assert done.returncode == 2 and "--failures" in done.stderr


def test_copies_are_looked_for_among_images_that_match(shop: Run, photos: Path) -> None:
    for name in ("cats/cat-1", "desert/orange-dune-1", "sky/galaxies-1"):
        shutil.copy(photos / f"{name}.jpg", photos / f"{name}-copy.jpg")
    Path("shop.csv").write_text(f"{TABLE}cat-1-copy,cat,1,,\norange-dune-1-copy,dune,1,x,\n")
    assert shop("index", "photos", "--metadata", "shop.csv").returncode == 0
    options = ("--index", "index.csv", "--format", "json", "--columns", "price")
    done = shop("duplicates", "photos", *options, "--where", "kind = 'dune'", "--report", "r.html")
    (group,) = json.loads(done.stdout)
    assert Path(group["keep"]).stem == "orange-dune-1" and group["keep_metadata"] == {"price": "2"}
    assert [copy["metadata"] for copy in group["duplicates"]] == [{"price": "1"}]
    assert '<p class="facts">price: 1</p>' in Path("r.html").read_text(encoding="utf-8")
    text = shop(
        "duplicates", "--index", "index.csv", "--format", "csv", "--columns", "price"
    ).stdout
    prices = [row["price"] for row in csv.DictReader(io.StringIO(text))]
    assert prices == ["4.50", "1", "2", "1", "", ""]
    done = shop("duplicates", "photos", "--index", "index.csv", "--where", "kimd = 'dune'")
    assert done.returncode == 2 and "no column 'kimd'" in done.stderr
    done = shop("duplicates", "photos", "--columns", "price")
    assert done.returncode == 2 and "--columns is for --report" in done.stderr


def test_a_search_without_a_condition_does_not_pay_for_it(run: Run, photos: Path) -> None:
    run("index", "photos", "--quiet")
    code = (
        "import sys; from cbir.cli.search.command import search\n"
        f"search(['{QUERY}', '--no-montage'], standalone_mode=False)\n"
        "heavy = {'duckdb', 'pandas', 'numpy.ma', 'cbir.tables'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=photos.parent, timeout=60)


def test_lists_of_columns_add_up(shop: Run) -> None:
    options = ("--columns", "kind, price", "--columns", "note", "--no-montage", "--format", "csv")
    header = shop("search", QUERY, *options).stdout.splitlines()[0]
    assert header.endswith(",kind,price,note")
    names = ("--columns", "distance,metadata_distance")
    done = shop("search", QUERY, *names, "--format", "csv", "--no-montage")
    assert done.returncode == 2  # there are no such columns
    done = shop("index", "photos", "--metadata", "shop.csv", "--metadata", "shop.csv")
    assert done.returncode == 2 and "one is allowed" in done.stderr


def test_a_condition_that_holds_for_nothing_tells_what_there_is(shop: Run) -> None:
    told = "it holds for none of 12 images; kind has: cat, dune"
    done = shop("search", QUERY, "--where", "kind = 'Cat'", "--no-montage")
    assert done.returncode == 0 and told in done.stderr and "nothing found" in done.stdout
    for command in (("evaluate",), ("duplicates", "photos")):
        done = shop(*command, "--index", "index.csv", "--where", "kind = 'Cat'")
        assert done.returncode == 1 and told in done.stderr


def test_a_label_without_an_index_or_a_table_is_refused(shop: Run) -> None:
    done = shop("evaluate", "photos", "--label", "kind")
    assert done.returncode == 2 and "add --index FILE, or --truth TABLE" in done.stderr


def test_one_class_is_warned_of(here: Run, photos: Path) -> None:
    done = here("evaluate", "photos", "--truth", "groups:(jpg)$")
    assert done.returncode == 0 and "all images are of one class" in done.stderr


def test_a_table_without_a_header_is_refused(here: Run, photos: Path) -> None:
    Path("bare.csv").write_text("cat-1.jpg,4\ncat-2.jpg,5\ncat-3.jpg,6\n")
    done = here("index", "photos", "--metadata", "bare.csv")
    assert done.returncode == 1 and "its first line is no header" in done.stderr


def test_a_long_text_is_cut_in_the_table_and_the_montage(shop: Run) -> None:
    Path("long.csv").write_text(f"id,story\ncat-1,{'word ' * 20_000}\n")
    assert shop("index", "photos", "--metadata", "long.csv").returncode == 0
    done = shop("search", QUERY, "--columns", "story", "--facets", "story", "--top", "1")
    assert done.returncode == 0 and max(map(len, done.stdout.splitlines())) < 200
