"""A page as its elements and the text that they hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

HOLD_TEXT = {"td", "th", "li", "p", "dd", "h1", "h2", "h3", "h4", "h5", "text", "title"}
WITHOUT_END = {"meta", "link", "img", "br"}


@dataclass
class Document(HTMLParser):
    """A page's elements as (tag, attributes), and the text of each element that holds text."""

    html: str
    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    texts: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._open: list[tuple[str, list[str]]] = []
        self.feed(self.html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))
        if tag not in WITHOUT_END:
            self._open.append((tag, []))

    def handle_data(self, data: str) -> None:
        for _, parts in self._open:
            parts.append(data)

    def handle_endtag(self, tag: str) -> None:
        opened_tag, parts = self._open.pop()
        assert opened_tag == tag, f"</{tag}> closes <{opened_tag}>"
        self.texts.append((tag, " ".join("".join(parts).split())))

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for found, attributes in self.elements if found == tag]

    def said(self, *tags: str) -> list[str]:
        return [text for tag, text in self.texts if tag in (tags or HOLD_TEXT)]

    def attributes(self) -> Iterator[tuple[str, str]]:
        for _, attributes in self.elements:
            yield from attributes.items()
