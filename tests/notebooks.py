"""Notebooks that tests write, run by a kernel of the Python that runs the tests, as in Jupyter without a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

KERNEL = "python3"


def run_notebook(folder: Path, *cells: str) -> list[list[Any]]:
    """The outputs of each cell; what kernels write goes into a folder, and nothing into the user's home.

    An output is what the format of notebooks has: ``output_type``, and ``data`` by MIME type or ``text``.
    """
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MPLBACKEND", raising=False)  # the kernel chooses that of notebooks
        for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
            patch.setenv(name, str(folder / name.lower()))
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        nbclient.NotebookClient(notebook, timeout=300, kernel_name=KERNEL).execute()
    return [cell.outputs for cell in notebook.cells]


def shown(outputs: list[Any], kind: str) -> list[Any]:
    """What a cell shows of a MIME type, such as image/png."""
    return [output.data[kind] for output in outputs if kind in output.get("data", {})]
