"""Fixtures for all tests."""

pytest_plugins = ["tests.localhub_fixture"]
