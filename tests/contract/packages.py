"""The official descriptions of GitHub's interfaces, pinned. See `tests/npm.py` for how they get here."""

from __future__ import annotations

from pathlib import Path

from tests.npm import npm_package


def openapi() -> Path:
    """The REST API of github.com (13 MB)."""
    folder = npm_package(
        "@octokit/openapi",
        "23.0.2",
        "sha512-pV8M7L9GY23AybNvTmo2nyjmpmnt6+2sRE/tqr0ZLQcPS4lnw7u5eZGNmwRNkBC3D7gZXbFx5AHzLUVRBXGDhg==",
    )
    return folder / "generated/api.github.com.json"


def graphql() -> Path:
    """The GraphQL schema as text."""
    folder = npm_package(
        "@octokit/graphql-schema",
        "15.26.1",
        "sha512-RFDC2MpRBd4AxSRvUeBIVeBU7ojN/SxDfALUd7iVYOSeEK3gZaqR2MGOysj4Zh2xj2RY5fQAUT+Oqq7hWTraMA==",
    )
    return folder / "schema.graphql"


def webhook_examples() -> Path:
    """Example payloads of all webhooks."""
    folder = npm_package(
        "@octokit/webhooks-examples",
        "7.6.1",
        "sha512-De6U3XB6O3DtCa7bKgCMzTHdeopqqZ6SNivMYJnK65ierKL1AnNIA0tkRYCRS7lwGT792d+Ps1WbfHlso6MynQ==",
    )
    return folder / "api.github.com/index.json"
