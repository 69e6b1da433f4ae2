"""The exception tree: every failure a user can meet, as what happened (message) and what to do about it (hint).

Each class has one process exit code and one HTTP status; a test walks the tree and fails if one is missing. Errors of
other packages are translated where that package is imported, with `from`. No decision is ever made by an exception's
text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:  # contracts load numpy; `ragedge --help` must not
    from ragedge.contracts import Reason


INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells expect it (128 + SIGINT)."""


class RagedgeError(Exception):
    """Root of all errors that ragedge raises on purpose."""

    exit_code: ClassVar[int] = 1
    http_status: ClassVar[int] = 500

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def code(self) -> str:
        """The name clients see: the class name in snake case."""
        return self.code_name()

    @classmethod
    def code_name(cls) -> str:
        """The `code` of all errors of this class."""
        name = cls.__name__
        return "".join("_" + c.lower() if c.isupper() and i else c.lower() for i, c in enumerate(name))


class ConfigError(RagedgeError):
    """A configuration file or option cannot be used."""

    exit_code = 2
    http_status = 500


class InputError(RagedgeError):
    """What was handed in cannot be used."""

    exit_code = 3
    http_status = 400


class UnsupportedFile(InputError):
    """No reader takes this kind of file."""

    http_status = 415


class UnreadableDocument(InputError):
    """A file of a known kind gave no text; `reason` is one of `contracts.Reason`."""

    http_status = 422

    def __init__(self, reason: Reason, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.reason: Reason = reason


class BadQuestion(InputError):
    """A question is empty, too long or not text."""


class TooLarge(InputError):
    """A body, file or list is beyond its limit."""

    http_status = 413


class NotFound(InputError):
    """No such document, page or route."""

    http_status = 404


class EditConflict(InputError):
    """What was to be changed has been changed by somebody else meanwhile."""

    http_status = 409


class IndexFolderError(RagedgeError):
    """Something about the index on disk."""

    exit_code = 4
    http_status = 500


class IndexMissing(IndexFolderError):
    """There is no index where one was expected."""

    http_status = 404


class IndexStale(IndexFolderError):
    """The index was made with other settings than the config asks for."""

    http_status = 409


class IndexCorrupt(IndexFolderError):
    """The catalog itself is damaged."""


class IndexLocked(IndexFolderError):
    """Another process is writing to this index."""

    http_status = 503


class IndexReadOnly(IndexFolderError):
    """The index can be asked but not changed."""

    http_status = 503


class DiskFull(IndexFolderError):
    """There is no room left where the index lives."""

    http_status = 507


class ModelError(RagedgeError):
    """A model cannot be used."""

    exit_code = 5
    http_status = 503


class ModelMissing(ModelError):
    """A model file is not where the config says."""


class ModelCorrupt(ModelError):
    """A model file is not the one it claims to be."""


class ModelCrashed(ModelError):
    """The process that held a language model has died; the next question starts it anew."""


class DownloadFailed(ModelError):
    """A model could not be fetched."""


class PackageMissing(ModelError):
    """A Python package or program that this needs is not installed."""


class AnswerError(RagedgeError):
    """An answer could not be made."""

    exit_code = 6
    http_status = 500


class Busy(AnswerError):
    """All places are taken; `retry_after_s` says when to come back."""

    http_status = 503

    def __init__(self, message: str, hint: str = "", retry_after_s: int = 5) -> None:
        super().__init__(message, hint)
        self.retry_after_s = retry_after_s


class PromptTooLong(AnswerError):
    """Question and passages do not fit the model's context."""

    http_status = 400


class RemoteFailed(AnswerError):
    """A remote service did not answer as it should."""

    http_status = 502


class AccessError(RagedgeError):
    """This caller may not do this."""

    exit_code = 7
    http_status = 403


class NotAuthenticated(AccessError):
    """No valid credentials were given."""

    http_status = 401


class RateLimited(AccessError):
    """Too many requests from one caller; `retry_after_s` says when to come back."""

    http_status = 429

    def __init__(self, message: str, hint: str = "", retry_after_s: int = 5) -> None:
        super().__init__(message, hint)
        self.retry_after_s = retry_after_s


class EvaluationFailed(RagedgeError):
    """An evaluation ran to its end and missed a mark it had to reach."""

    exit_code = 8
    http_status = 500
