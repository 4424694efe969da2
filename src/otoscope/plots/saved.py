"""Figures as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from otoscope.errors import InputError
from otoscope.files import whole_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_UNSAID: dict[str, Any] = {"pdf": {"CreationDate": None, "ModDate": None}, "png": {"Software": None}}
"""What matplotlib writes of the time and of itself into each kind of file, by which equal figures would differ."""


def save_figure(figure: Figure, path: Path, **options: Any) -> Path:
    """Write a figure whole or not at all; an equal figure makes equal bytes.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        One made in the style for print is saved in it: lines and letters as vectors, fonts embedded, nothing cropped.
    path : Path
        Ends in ``.pdf`` or ``.png``.
    **options
        Of its method ``savefig``.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        If the name ends in anything else, or the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from otoscope.plots.drawing import make_axes
    >>> save_figure(make_axes(None).figure, Path(tempfile.mkdtemp()) / "empty.pdf").name
    'empty.pdf'
    """
    kind = path.suffix.removeprefix(".")
    if kind not in _UNSAID:
        raise InputError(f"{path}: pictures end in {' or '.join(f'.{one}' for one in _UNSAID)}")
    with whole_file(path) as part:
        figure.savefig(part, format=kind, metadata=_UNSAID[kind], **options)
    return path
