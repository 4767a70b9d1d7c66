"""A page as a browser without scripts takes it: elements, what they say, and what forms send."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

from httpx2 import Response

_VOID = {"meta", "link", "img", "input", "br", "hr"}


@dataclass
class Element:
    """An element, and the texts within."""

    tag: str
    attributes: dict[str, str]
    parents: tuple[Element, ...]
    texts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())


class Document(HTMLParser):
    """The elements of a page; it fails when they are not closed in order."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(response.text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        element = Element(tag, attributes, tuple(self._open))
        self.elements.append(element)
        if tag not in _VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.texts.append(data)

    def all(self, tag: str, kind: str = "", **attributes: str) -> list[Element]:
        """Return the elements of a kind: with a class, and with attributes."""
        return [
            one
            for one in self.elements
            if one.tag == tag
            and (not kind or kind in one.attributes.get("class", "").split())
            and attributes.items() <= one.attributes.items()
        ]

    def one(self, tag: str, kind: str = "", **attributes: str) -> Element:
        (found,) = self.all(tag, kind, **attributes)
        return found

    def names(self) -> list[str]:
        """Return the names of the images of the grid."""
        return [one.text for one in self.all("p", "file")]

    def link(self, text: str) -> str:
        """Return where the first link with a text leads."""
        return next(one for one in self.all("a") if one.text == text).attributes["href"]

    def sent(self, form: str, **changed: str | list[str] | None) -> list[tuple[str, str]]:
        """Return what a form sends, after somebody has filled in some fields."""
        target = self.one("form", id=form)
        fields: dict[str, list[str]] = {}
        within = [one for one in self.elements if target in one.parents]
        for place, one in enumerate(within):
            name = one.attributes.get("name", "")
            if one.tag == "input" and one.attributes.get("type") != "file":
                is_choice = one.attributes.get("type") == "checkbox"
                if not is_choice or "checked" in one.attributes:
                    fields.setdefault(name, []).append(one.attributes.get("value", "on"))
            if one.tag == "select":
                options = [each for each in within[place:] if one in each.parents]
                chosen = [each for each in options if "selected" in each.attributes] or options
                fields[name] = [chosen[0].attributes["value"]]
        for name, value in changed.items():
            fields[name] = [value] if isinstance(value, str) else (value or [])
        return [(name, value) for name, values in fields.items() for value in values]
