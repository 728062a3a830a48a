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


class NotApplicable(Exception):
    """A rule has nothing to say about this port; the text says why: "the base tree has no table of frameworks"."""


class Undecidable(Exception):
    """A rule can't tell here; the text says why: "modeling_tf_bert.py cannot be parsed". Never a reproach."""


class NotBegun(Exception):
    """A rule has nothing to look at yet: "there is no main layer". Of a complete port that means it does not apply."""


class Later(Exception):
    """What a rule asks for has its time later, however complete the port is: "from_pt=True goes once there are TensorFlow weights". The
    item waits."""
