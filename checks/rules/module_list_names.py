from checks.rules import Rule
from checks.rules._misnamed import findings
def check(port):
    yield from findings(port, RULE)
RULE = Rule(slug="module-list-names", level="error", summary=".", why=".", how=".", check=check, examples=())
