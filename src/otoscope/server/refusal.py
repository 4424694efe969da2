"""What a client is told when it does not get what it asked for."""

from __future__ import annotations

from collections.abc import Mapping

from otoscope.errors import InputError
from otoscope.text import without_folders


class Refusal(Exception):
    """An answer with a status of 400 or above: a code for programs, and a sentence for people.

    Parameters
    ----------
    status : int
        Of HTTP.
    code : str
        Such as "not-found", the same wherever it has the same reason.
    message : str
        What is wrong, and what can be done.
    headers : mapping of str to str, optional
    close : bool
        Whether the connection is closed, as where the body was not read.
    """

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None, *, close: bool = False
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.headers, self.close = dict(headers or {}), close

    @property
    def error(self) -> dict[str, str]:
        """As a client reads it, without the folders of the server."""
        return {"code": self.code, "message": without_folders(self.message)}


def not_found(what: str) -> Refusal:
    """Refuses an id that this user does not have, in the same words whether or not another user has it."""
    return Refusal(404, "not-found", f"there is no such {what} here (any more)")


def unfit(error: InputError | str, code: str = "unfit") -> Refusal:
    """Of what a model, a method or a file does not take."""
    return Refusal(422, code, str(error))
