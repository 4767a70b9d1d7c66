"""``/evaluation``: stored evaluations are listed, shown with images of the index, and compared."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from fastapi.testclient import TestClient

from cbir.cli.group import cli
from tests.pages import Page
from tests.web.conftest import Serving

Keep = Callable[..., Path]


@pytest.fixture
def keep(collection: Path) -> Keep:
    """Evaluate the collection by the command, and keep what comes of it."""

    def keep(name: str, *options: str) -> Path:
        path = collection / f"{name}.json"
        command = ["evaluate", "--index", str(collection / "index.csv"), "--save", str(path)]
        done = CliRunner().invoke(cli, [*command, *options], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return path

    return keep


@pytest.fixture
def page(tmp_path: Path) -> Callable[..., Page]:
    """Read a page of a server."""

    def page(client: TestClient, file: Any = (), **query: Any) -> Page:
        answer = client.get("/evaluation", params={"file": file, **query})
        assert answer.status_code == 200, answer.text
        (tmp_path / "page.html").write_text(answer.text, "utf-8")
        return Page(tmp_path / "page.html")

    return page


Read = Callable[..., Page]


def changed(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def hrefs(page: Page) -> list[str]:
    return [one["href"] for one in page.all("a")]


def test_who_gave_no_result_is_told_commands_that_work(
    serving: Serving, page: Read, collection: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(collection)
    os.rename("index.csv", "my index.csv")
    os.rename("index.csv.cbir", "my index.csv.cbir")
    text = page(serving(index="my index.csv")).text
    told = text[text.index("cbir evaluate") : text.index(" Images of the same folder")]
    first, second = told.split(" cbir serve ")
    done = CliRunner().invoke(cli, shlex.split(first)[1:], catch_exceptions=False)
    assert done.exit_code == 0
    options = dict(zip(*[iter(shlex.split(second))] * 2, strict=True))
    assert options == {"--index": "my index.csv", "--evaluation": "result.json"}
    shown = serving(index=options["--index"], evaluations=(options["--evaluation"],))
    assert "/evaluation?file=result" in hrefs(page(shown))


def test_the_others_are_shown_beside_a_damaged_file(
    serving: Serving, page: Read, keep: Keep, collection: Path
) -> None:
    kept = keep("kept", "--descriptor", "hsv")
    bad = collection / "<i>bad.json"
    bad.write_text("{")
    listed = page(serving(evaluations=[str(kept), str(bad), str(collection / "gone.json")]))
    assert [one["class"] for one in listed.all("p", role="alert")] == ["message error"] * 2
    assert "<i>bad: no evaluation, or a damaged one" in listed.text and not listed.all("i")
    assert "gone: no such file or directory" in listed.text
    assert str(collection) not in listed.text
    assert "/evaluation?file=kept" in hrefs(listed)
    assert not listed.all("input")  # there is nothing to compare it with


def test_numbers_are_those_of_the_command_and_images_those_of_the_index(
    serving: Serving, page: Read, keep: Keep
) -> None:
    kept = keep("a b&c", "--descriptor", "hsv", "--descriptor", "phash", "--worst", "3")
    document = json.loads(kept.read_text())
    client = serving(evaluations=(str(kept),))
    (link,) = [href for href in hrefs(page(client)) if href.startswith("/evaluation?")]
    assert client.get(link).status_code == 200
    shown = page(client, "a b&c")
    for run in document["runs"]:
        assert f"{run['descriptor']}{run['metric']}{run['map']:.3f} ±" in shown.text
    assert len(shown.all("polyline")) == 2 * len(document["runs"])
    worst = document["runs"][0]["worst"]
    assert len(shown.all("section", class_="group")) == len(worst) == 3
    images = [one["src"] for one in shown.all("img")]
    assert len(images) == sum(1 + len(one["hits"]) for one in worst)
    for address in set(images):
        assert client.get(address).headers["content-type"] == "image/jpeg"
    # Under a name that is awkward in addresses, too.
    addresses = hrefs(shown)
    assert "/image/copies/a%20b%231%20%C3%BC.jpg" in addresses
    assert sum(href.startswith("/search?path=") for href in addresses) == 3


def test_the_run_and_the_number_of_queries_are_chosen(
    serving: Serving, page: Read, keep: Keep
) -> None:
    kept = keep("kept", "--descriptor", "hsv", "--descriptor", "phash")
    client = serving(evaluations=(str(kept),))
    runs = json.loads(kept.read_text())["runs"]
    shown = page(client, "kept", run=2, worst=1)
    assert len(shown.all("section", class_="group")) == 1
    title = f"{runs[1]['descriptor']}, {runs[1]['metric']}"
    assert f"{title} mAP {runs[1]['map']:.3f}" in shown.text
    assert shown.all("option", selected="") == [{"value": "2", "selected": ""}]
    last = page(client, "kept", run=99)  # the file may have had more runs once
    assert last.all("option", selected="") == [{"value": "2", "selected": ""}]
    for wrong in ({"run": 0}, {"worst": 0}, {"worst": 101}, {"more": 1}):
        assert client.get("/evaluation", params={"file": "kept", **wrong}).status_code == 422


def test_no_file_is_opened_by_a_path_of_the_result(
    serving: Serving, page: Read, keep: Keep, collection: Path
) -> None:
    kept = keep("kept", "--descriptor", "hsv")
    secret = collection / "secret.jpg"
    secret.write_bytes((collection / "photos/cats/cat-1.jpg").read_bytes())

    def forge(document: Mapping[str, Any]) -> None:
        query = document["runs"][0]["worst"][0]
        query["path"] = str(secret)
        query["outside"] = True
        query["hits"][0]["path"] = "../secret.jpg"
        query["hits"][1]["path"] = '<script>alert("x")</script>.jpg'
        query["hits"][2]["path"] = "javascript:alert(1)"

    changed(kept, forge)
    client = serving(evaluations=(str(kept),))
    shown = page(client, "kept", worst=1)
    assert "not in the dataset" in shown.text and shown.text.count("not in the index") == 3
    assert not shown.all("script") and '<script>alert("x")</script>.jpg' in shown.text
    assert len(shown.all("p", class_="missing")) == 4
    addresses = hrefs(shown) + [one["src"] for one in shown.all("img")]
    assert not any("secret" in one or "alert" in one for one in addresses)


def test_results_are_shown_side_by_side(serving: Serving, page: Read, keep: Keep) -> None:
    files = (
        keep("one", "--descriptor", "hsv", "--descriptor", "phash"),
        keep("two", "--descriptor", "hsv"),
        keep("cats", "--descriptor", "hsv", "--where", "kind = 'cat'", "--label", "kind"),
    )
    client = serving(evaluations=[*map(str, files), "gone.json"])
    boxes = page(client).all("input", type="checkbox")
    assert [one["value"] for one in boxes] == ["one", "two", "cats"]
    shown = page(client, ["one", "two"])
    assert len(shown.all("th", scope="row")) == 3
    assert "hsvchi2one" in shown.text and "hsvchi2two" in shown.text
    assert len(shown.all("polyline")) == 2 * 3
    assert not shown.all("div", role="status")
    differing = page(client, ["one", "cats", "gone"])
    assert "where: all images in one, kind = 'cat' in cats" in differing.text
    assert "gone: no such file or directory" in differing.text
    assert len(page(client, ["one", "one"]).all("option")) == 2  # it is one


def test_what_there_is_not_is_told(serving: Serving, keep: Keep) -> None:
    client = serving(evaluations=(str(keep("kept", "--descriptor", "hsv")), "gone.json"))
    for names, status in ((["other"], 404), (["kept", "other"], 404), (["gone"], 503)):
        answer = client.get("/evaluation", params={"file": names})
        assert answer.status_code == status
        assert "<h1>" in answer.text


def test_comparing_nothing_is_told(client: TestClient) -> None:
    assert "Choose the results to compare first." in client.get("/evaluation?compare=1").text
