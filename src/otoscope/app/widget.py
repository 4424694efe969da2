"""The page in a notebook: a widget where anywidget is installed, and else a frame that holds the whole page."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from otoscope.app.page import Page
from otoscope.app.reasons import reason_for
from otoscope.app.single_file import markup, page_html, script, style
from otoscope.errors import InputError
from otoscope.files import write_text
from otoscope.optional import needs

Answer = Callable[[Mapping[str, Any]], Page]

HEIGHT = 760
"""Of a page in a cell, in CSS pixels."""

_RENDER = """
const STYLE_OF_THE_PAGE = %s;
const MARKUP_OF_THE_PAGE = document.createElement("template");
MARKUP_OF_THE_PAGE.innerHTML = %s; // ours alone: what is of a model or a sound is added as text
export default { render({ model, el }) {
  return widgetView(model, el, STYLE_OF_THE_PAGE, MARKUP_OF_THE_PAGE.content.cloneNode(true));
} };
"""


class PageView:
    """A page that a notebook shows below the cell that ends with it.

    With anywidget (``pip install 'otoscope[app]'``) it is a widget that loads the modules of the page; without, and
    in pages that are made from notebooks or examples, it is a frame with the whole page inside, which needs no server
    and no kernel.

    Parameters
    ----------
    page : Page
    height : int
        In CSS pixels; the corner of the page can be drawn, too.
    answer : callable, optional
        What answers the questions of the page, as ``answerer`` of ``otoscope.report.questions`` gives it; without it
        the page asks none.
    about : mapping, optional
        What the page has to know of a model that can be asked: `classes` and `rules`.
    """

    def __init__(
        self, page: Page, *, height: int = HEIGHT, answer: Answer | None = None, about: Mapping[str, Any] | None = None
    ) -> None:
        if not 200 <= height <= 10_000:
            raise InputError(f"height is in CSS pixels, from 200 to 10000, not {height}")
        self.page, self.height = page, height
        self._answer, self._about = answer, about
        self._widget: Any = None

    @property
    def title(self) -> str:
        """What is shown."""
        return str(self.page.manifest.get("title", "a page"))

    def __repr__(self) -> str:
        return f"<the page of {self.title}>"

    def save(self, path: str | Path) -> Path:
        """Write the page as one HTML file, which needs nothing else.

        Parameters
        ----------
        path : str or Path
            The file; written whole or not at all.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        InputError
            If it cannot be written.
        """
        path = Path(path)
        write_text(path, page_html(self.page.manifest, self.page.parts))
        return path

    def widget(self) -> Any:
        """The widget, for ipywidgets' layouts; one for each page.

        Raises
        ------
        InputError
            If anywidget is not installed.
        """
        if self._widget is None:
            given = {"manifest": self.page.text(), "parts": self.page.parts, "height": self.height}
            self._widget = _widget_class()(**given, about=json.dumps(self._about))
            self._widget.on_msg(self._hear)
        return self._widget

    def _hear(self, widget: Any, content: Mapping[str, Any], buffers: Any) -> None:
        """Answer a question of the front end, or say why not."""
        told: dict[str, Any] = {"number": content.get("number")}
        packed: list[bytes] = []
        try:
            if self._answer is None:
                raise InputError("this page has no model to ask: call scope.explore(sound)")
            page = self._answer(content["ask"])
            told |= {"manifest": page.text(), "parts": list(page.parts)}
            packed = list(page.parts.values())
        except Exception as error:
            told["error"] = reason_for(error)
        widget.send(told, packed)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        text = {"text/plain": repr(self)}
        try:
            widget = self.widget()
        except InputError:
            return text | {"text/html": self._repr_html_()}
        bundle = widget._repr_mimebundle_()
        data: dict[str, Any] = dict(bundle[0] if isinstance(bundle, tuple) else bundle)
        return data | text | {"text/html": f"<p>{escape(self.title)}: run this cell to see the page.</p>"}

    def _repr_html_(self) -> str:
        """A frame with the page inside, cut off from the document around it."""
        page = escape(page_html(self.page.manifest, self.page.parts))
        page = page.replace("\n", "&#10;").replace("\t", "&#9;")  # as it is, whatever becomes of the lines around it
        return (
            f'<iframe title="{escape(self.title)}" sandbox="allow-scripts" srcdoc="{page}" '
            f'style="width: 100%; height: {self.height}px; border: 1px solid #8885"></iframe>'
        )


def module() -> str:
    """The modules of the page as the one module of a widget, with its styles and its markup inside.

    Returns
    -------
    str
        JavaScript whose default export has `render`, as anywidget wants it.

    Examples
    --------
    >>> "export default { render" in module()
    True
    """
    return f"{script('widget.js')}\n{_RENDER % (json.dumps(style()), json.dumps(markup()))}"


@cache
def _widget_class() -> Any:
    anywidget = needs("anywidget", extra="app", purpose="the page in a notebook")
    traitlets = needs("traitlets", extra="app", purpose="the page in a notebook")

    base: Any = anywidget.AnyWidget

    class PageWidget(base):  # type: ignore[misc]
        """The data of a page, which the front end draws."""

        _esm = module()
        manifest = traitlets.Unicode().tag(sync=True)
        parts = traitlets.Dict().tag(sync=True)
        height = traitlets.Int(HEIGHT).tag(sync=True)
        about = traitlets.Unicode("null").tag(sync=True)

    return PageWidget
