"""Durable workflows: the only module that imports the engine (DBOS)."""

import dbos as dbos
