"""Packages that only some of what Otoscope does needs, imported when it is asked for."""

from __future__ import annotations

import importlib
from typing import Any

from otoscope.errors import InputError

_PACKAGES = {"sklearn": "scikit-learn", "parselmouth": "praat-parselmouth"}  # where pip has another name


def needs(module: str, *, extra: str, purpose: str = "this") -> Any:
    """Import a module of an optional package, or say how to install it.

    Parameters
    ----------
    module : str
        As an import names it, such as ``pyarrow.parquet``.
    extra : str
        The extra of Otoscope that has the package, such as ``sweep``.
    purpose : str
        What needs it, the subject of the message.

    Returns
    -------
    module

    Raises
    ------
    InputError
        If the package is not installed, or too old to have the module, or cannot be imported.

    Examples
    --------
    >>> needs("json", extra="sweep").loads("[1]")
    [1]
    >>> needs("no_such_package.parts", extra="sweep", purpose="a table in Parquet")
    Traceback (most recent call last):
    ...
    otoscope.errors.InputError: a table in Parquet needs no_such_package: pip install 'otoscope[sweep]'
    """
    top = module.partition(".")[0]
    package = _PACKAGES.get(top, top)
    try:
        importlib.import_module(top)
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = error.name or top
        if missing == top:
            raise InputError(f"{purpose} needs {package}: pip install 'otoscope[{extra}]'") from None
        reason = f"there is no module {missing}"
    except (ImportError, OSError) as error:  # OSError: a shared library of it
        reason = str(error)
    raise InputError(
        f"{purpose} needs {package}, which is installed and cannot be imported ({reason}): "
        f"pip install --upgrade 'otoscope[{extra}]'"
    )
