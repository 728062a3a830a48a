"""What people do on this GitHub: the Python side of tests and of the demo. The same methods answer at `/_people/`.

Every method takes names as well as objects: a login for a user, "owner/name" for a repository, "owner/name#7" for an
issue or pull request, a number for comments and check runs.
"""

from bot.localhub.people.accounts import Accounts
from bot.localhub.people.names import NoSuch
from bot.localhub.people.pulls import Pulls
from bot.localhub.people.repositories import Repositories
from bot.localhub.people.talk import Talk


class People(Accounts, Repositories, Pulls, Talk):
    """Mixed into `LocalHub`."""


__all__ = ["NoSuch", "People"]
