"""What is wrong with the usage of a command, in words."""

from __future__ import annotations

import re

from cyclopts import CycloptsError, MissingArgumentError, RepeatArgumentError, UnusedCliTokensError

_OPTION = re.compile(r"(?<![\w-])--([a-z][\w-]*)")
_MISSPELT = re.compile(r"Did you mean (\S+) instead of (\S+)\?$")


def said(error: CycloptsError) -> str:
    """What is wrong, and what was meant."""
    if isinstance(error, MissingArgumentError) and error.argument and not error.keyword and not error.argument.tokens:
        misspelt = _MISSPELT.search(str(error))
        if misspelt:
            return f"Unknown option: {misspelt[2]}. Did you mean {misspelt[1]}?"
        hint = " (`otoscope taps MODEL` lists the layers)" if error.argument.name == "--layer" else ""
        return f"{error.argument.name} is required{hint}"
    if isinstance(error, UnusedCliTokensError):
        left = " ".join(error.unused_tokens or ())
        return f"too many arguments: {left} (an option of several values is given once for each of them)"
    if isinstance(error, RepeatArgumentError):
        return f"{error.token.keyword} takes one value, and is given several times: give it once"
    return str(error)


def of_setting(error: CycloptsError, method: str) -> CycloptsError:
    """The same error of options of a method that were given with ``--set``.

    Examples
    --------
    >>> str(of_setting(CycloptsError(msg="Unknown option: --n-ftt. Did you mean --n-fft?"), "strs"))
    'Unknown option: --set strs.n_ftt. Did you mean strs.n_fft?'
    """
    text = _OPTION.sub(lambda option: f"{method}.{option[1].replace('-', '_')}", said(error))
    return CycloptsError(msg=text.replace(f"{method}.", f"--set {method}.", 1))
