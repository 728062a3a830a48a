"""The user's errors. Everything else that is raised is ours, and is logged as such."""


class UserError(Exception):
    """Bad input, told plainly in one sentence: what is wrong, and `hint`, what to do next. Exit code 2.

    >>> raise UserError("no commit abc in this repository", hint="fetch it first: git fetch origin abc")
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class NothingToPort(UserError):
    """Between base and head no `modeling_tf_*.py` was added, nor a public class to an existing one."""


class NoTensorFlow(UserError):
    """The base tree has no TensorFlow support (any more): `src/transformers/modeling_tf_utils.py` is missing."""


class Unreadable(UserError):
    """A file that is there but is no text of reasonable size: too large, binary, not UTF-8."""
