"""The components that pages share: what they are given is shown, escaped, and nothing is lost."""

from __future__ import annotations

from pathlib import Path

import jinja2
import pytest

from cbir.reports.html import environment
from tests.pages import Page


def rendered(tmp_path: Path, body: str, **values: object) -> Page:
    """Render what a page does with the components."""
    names = "card, message, progress, summary, table"
    template = f'{{% from "components.html.jinja" import {names} %}}\n{body}'
    page = tmp_path / "page.html"
    page.write_text(environment().from_string(template).render(**values), "utf-8")
    return Page(page)


def test_a_card_keeps_the_room_of_its_image(tmp_path: Path) -> None:
    page = rendered(
        tmp_path,
        '{{ card("a <b>.jpg", "/thumbnails/1", "/images/1", 320, 200, 3, "0.25", "right",'
        ' [("year", "<2004>")]) }}',
    )
    (image,) = page.all("img")
    assert (image["src"], image["width"], image["height"]) == ("/thumbnails/1", "320", "200")
    assert image["alt"] == "a <b>.jpg" and len(page.all("a", href="/images/1")) == 2
    assert "3 ✓ right 0.25 a <b>.jpg year: <2004>" in page.text
    assert not page.all("b") and "style" not in image


def test_a_card_without_an_image_says_why(tmp_path: Path) -> None:
    page = rendered(tmp_path, '{{ card("a.jpg", "", failure="no such file") }}')
    assert not page.all("img") and not page.all("a") and "no such file" in page.text


def test_a_card_ends_with_what_its_caller_gives(tmp_path: Path) -> None:
    body = '{% call card("a.jpg", "/a") %}<button>More like this</button>{% endcall %}'
    page = rendered(tmp_path, body)
    assert page.all("button") and page.text.rstrip().endswith("a.jpg More like this")


def test_a_table_tells_names_from_numbers(tmp_path: Path) -> None:
    body = '{{ table("Measures", ["descriptor", "metric", "mAP"], [["hsv", "<chi2>", "0.5"]], 2) }}'
    page = rendered(tmp_path, body)
    assert len(page.all("th", scope="col")) == 3 and len(page.all("th", scope="row")) == 1
    assert len(page.all("td", class_="number")) == len(page.all("th", class_="number")) == 1
    assert "Measures descriptormetricmAP hsv<chi2>0.5" in page.text


def test_messages_and_progress_are_announced(tmp_path: Path) -> None:
    page = rendered(
        tmp_path,
        '{{ message("Bad <b>", "error") }}{{ message("Done", "done") }}'
        '{{ progress("Indexing", 2, 5) }}{{ progress("Waiting") }}',
    )
    assert [one["role"] for one in page.all("p")] == ["alert", "status"]
    assert page.all("progress") == [{"value": "2", "max": "5"}, {}]
    assert "Bad <b>" in page.text and "Indexing" in page.text


def test_other_templates_go_first_and_are_as_strict() -> None:
    made = environment(jinja2.DictLoader({"metadata.html.jinja": "{{ mine }}"}))
    assert made.get_template("metadata.html.jinja").render(mine="<i>") == "&lt;i&gt;"
    with pytest.raises(jinja2.UndefinedError, match="mine"):
        made.get_template("metadata.html.jinja").render()
