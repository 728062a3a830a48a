"""What the operator decides, read from `TFPORT_*` environment variables, a `.env` file, or files in `/run/secrets`.

`load()` gives `Settings` or raises one `UserError` that names the variable. Secrets never appear in text made from it.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit, urlunsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from checks.errors import UserError
from checks.execution.settings import Settings as ExecutionSettings
from checks.execution.uv import masked

PREFIX = "TFPORT_"
SECRETS = Path("/run/secrets")
LOGIN = re.compile(r"[A-Za-z0-9](?:-?[A-Za-z0-9]){0,38}")
REPOSITORY = re.compile(r"[A-Za-z0-9-]+/(?:\*|[\w.-]+)", re.ASCII)

CommaSeparated = Annotated[tuple[str, ...], NoDecode]


def data_dir() -> Path:
    """The data folder unless `TFPORT_DATA_DIR` in a `.env` file says another one."""
    share = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share"
    return Path(os.environ.get("TFPORT_DATA_DIR") or Path(share) / "tfport")


class Settings(BaseSettings):
    """Operator settings. Each field is the variable `TFPORT_<FIELD>`; docs/operate.md is tested against the descriptions."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    app_id: int = Field(gt=0, description="numeric id of the GitHub App, from its settings page")
    private_key: SecretStr = Field(description="the app's private key: PEM text, or the path of the file")
    webhook_secret: SecretStr = Field(description="the app's webhook secret, at least 16 characters")
    webhook_secret_previous: SecretStr | None = Field(
        None, description="the secret before, still accepted while you rotate"
    )
    github_api: str = Field("https://api.github.com", description="REST base; GHES: https://HOST/api/v3")
    github_web: str = Field("", description="base of links that people follow; derived from the REST base")
    data_dir: Path = Field(
        default_factory=data_dir, description="folder for the SQLite files, git mirrors and reports"
    )
    database: SecretStr = Field(
        SecretStr(""),
        description="SQLite file or postgresql://USER:PASSWORD@HOST/NAME; default in the data folder",
    )
    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8080, ge=0, le=65535, description="port to listen on; 0 takes a free one")
    public_url: str = Field("", description="where people reach this server, for links to full reports")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="lowest level that is logged"
    )
    log_format: Literal["auto", "json", "text"] = Field(
        "auto", description="auto is text on a terminal, else JSON"
    )
    readonly: bool = Field(False, description="kill switch: look and log, but write nothing on GitHub")
    push_fixes: bool = Field(
        False, description="`/tfport fix` pushes commits; needs contents: write, else it posts patches"
    )
    repositories: CommaSeparated = Field(
        (),
        description="only these, as OWNER/NAME or OWNER/*, separated by commas; empty serves every installation",
    )
    maintainers: CommaSeparated = Field(
        ("gante", "Rocketknight1"), description="logins to name where a repository configures none"
    )
    concurrency: int = Field(2, ge=1, le=64, description="pull requests that are checked at the same time")
    retention_days: int = Field(30, ge=4, description="finished deliveries are forgotten after so many days")
    execute: CommaSeparated = Field(
        (),
        description="repositories whose pull requests may be executed here, as OWNER/NAME or OWNER/*; empty executes nothing",
    )
    execution_approval: Literal["newcomers", "always", "never"] = Field(
        "newcomers",
        description="whose code needs a maintainer's approval, where a repository's configuration does not say; always cannot be loosened there",
    )
    executions: int = Field(1, ge=1, le=64, description="executions at the same time")
    executions_per_author: int = Field(1, ge=1, le=64, description="of them, at most for one author")
    daily_executions: int = Field(100, ge=1, description="executions of one repository in 24 hours")
    daily_executions_per_author: int = Field(20, ge=1, description="of them, at most for one author")
    execution_cores: int = Field(
        0, ge=0, le=1024, description="processors of one execution; 0 shares all evenly"
    )
    execution_memory: int = Field(
        0, ge=0, description="memory of one execution in GB; 0 takes half of what is free"
    )
    execution_minutes: int = Field(60, ge=1, le=1440, description="wall time of the tests of one file")
    checkpoint_size: float = Field(
        2.0, gt=0, description="largest checkpoint that is fetched for tests, in GB"
    )
    checkpoint_pickles: bool = Field(
        False,
        description="fetch checkpoints that exist only as pickles; they are read inside the sandbox only",
    )
    hub_token: SecretStr | None = Field(
        None,
        description="write token of the bot's own account on the Hugging Face Hub, for `/tfport convert`; without one it is off",
    )
    sandbox: Literal["auto", "bubblewrap", "podman", "docker", "none"] = Field(
        "auto", description="what runs a stranger's code; auto takes the first that holds, none runs nothing"
    )
    sandbox_image: str = Field("debian:12-slim", description="for podman and docker; nothing is pulled")
    cache: str = Field("", description="folder for environments and checkpoints; default ~/.cache/tfport")
    uv: str = Field("", description="path of uv; default the installed package, else the one on PATH")
    pythons: CommaSeparated = Field(
        (), description="interpreters for environments; default all that are found"
    )
    index: str = Field("", description="package index; default pip's setting, else PyPI")
    extra_indexes: CommaSeparated = Field((), description="more of them; default pip's setting")
    find_links: CommaSeparated = Field((), description="folders or pages of wheels; default pip's setting")
    torch_backend: str = Field(
        "cpu",
        description="build of torch from PyTorch's own index, as uv names them; none leaves that index alone",
    )

    @field_validator("private_key", mode="after")
    @classmethod
    def _read_key(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value().strip()
        if not text.startswith("-----BEGIN"):
            try:
                text = Path(text).expanduser().read_text("ascii").strip()
            except (OSError, ValueError):
                raise ValueError("is neither PEM text nor the path of a readable PEM file") from None
        text = text.replace("\\n", "\n").strip()  # one-line form that .env files and CI secrets use
        try:
            key = load_pem_private_key(text.encode(), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise ValueError("is not an unencrypted PEM private key") from None
        if not isinstance(key, RSAPrivateKey):
            raise ValueError("is not an RSA key; GitHub Apps sign with RSA")
        return SecretStr(text + "\n")

    @field_validator("webhook_secret", "webhook_secret_previous", mode="after")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < 16:
            raise ValueError("is shorter than 16 characters; make one with: openssl rand -hex 32")
        return value

    @field_validator("github_api", "github_web", "public_url", mode="after")
    @classmethod
    def _is_url(cls, value: str) -> str:
        if not value:
            return value
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("is not a URL such as https://github.example.com/api/v3")
        if parts.username or parts.password:
            raise ValueError("must not carry a user name or password")
        return urlunsplit(parts).rstrip("/")

    @field_validator("github_api", mode="after")
    @classmethod
    def _is_private(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
            raise ValueError("must begin with https://, because the app's tokens are sent there")
        return value

    @field_validator(
        "repositories", "execute", "maintainers", "pythons", "extra_indexes", "find_links", mode="before"
    )
    @classmethod
    def _split(cls, value: object) -> object:
        return (
            [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
        )

    @field_validator("repositories", "execute", mode="after")
    @classmethod
    def _are_repositories(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _all_match(REPOSITORY, value, "a repository such as huggingface/transformers or huggingface/*")

    @field_validator("maintainers", mode="after")
    @classmethod
    def _are_logins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _all_match(LOGIN, tuple(login.removeprefix("@") for login in value), "a GitHub login")

    @field_validator("database", mode="after")
    @classmethod
    def _is_database(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value()
        scheme = text.partition("://")[0] if "://" in text else ""
        if scheme not in ("", "sqlite", "postgres", "postgresql", "postgresql+psycopg"):
            raise ValueError("is neither a file nor a postgresql:// URL")
        return value

    @model_validator(mode="after")
    def _derive(self) -> Settings:
        # A frozen model is filled once, here.
        object.__setattr__(self, "github_web", self.github_web or web_url(self.github_api))
        object.__setattr__(self, "data_dir", self.data_dir.expanduser().absolute())
        return self

    def execution(self) -> ExecutionSettings:
        """What concerns the sandbox and its environments."""
        return ExecutionSettings.of(self.execution_variables())

    def execution_variables(self) -> dict[str, str]:
        """The same as variables, for a process of its own."""
        lists = {"pythons": self.pythons, "extra_indexes": self.extra_indexes, "find_links": self.find_links}
        texts = {
            "sandbox": self.sandbox,
            "sandbox_image": self.sandbox_image,
            "cache": self.cache,
            "uv": self.uv,
        }
        texts |= {"index": self.index, "torch_backend": self.torch_backend}
        texts |= {name: ",".join(values) for name, values in lists.items()}
        return {variable(name): text for name, text in texts.items()}

    @property
    def webhook_secrets(self) -> tuple[bytes, ...]:
        """The secrets that sign deliveries: the current one, then the one before if there is one."""
        secrets = (self.webhook_secret, self.webhook_secret_previous)
        return tuple(secret.get_secret_value().encode() for secret in secrets if secret is not None)

    @property
    def is_postgres(self) -> bool:
        return self.database.get_secret_value().startswith("postgres")

    @property
    def database_url(self) -> str:
        """SQLAlchemy URL for the durable engine. Contains the password: don't log it."""
        return self._url("tfport.sqlite")

    @property
    def inbox_url(self) -> str:
        """SQLAlchemy URL of the deliveries. On SQLite a file of its own, so that no other writer holds up a 202."""
        return self._url("inbox.sqlite")

    def _url(self, name: str) -> str:
        text = self.database.get_secret_value()
        if self.is_postgres:
            return "postgresql+psycopg://" + text.partition("://")[2]
        file = Path(text.removeprefix("sqlite:///")).expanduser() if text else self.data_dir / "tfport.sqlite"
        file = file.absolute()
        if name == "inbox.sqlite":
            file = file.with_name(f"{file.stem}-inbox{file.suffix}") if text else file.with_name(name)
        return f"sqlite:///{file}"

    def serves(self, full_name: str) -> bool:
        """Whether the operator lets the bot work for the repository `owner/name`."""
        return not self.repositories or _listed(full_name, self.repositories)

    def executes(self, full_name: str) -> bool:
        """Whether the operator lets code of pull requests to `owner/name` be executed here."""
        return _listed(full_name, self.execute)

    def secrets(self) -> tuple[str, ...]:
        """Texts that must never be logged, longest first."""
        texts = [secret.decode() for secret in self.webhook_secrets]
        texts += [
            self.private_key.get_secret_value().strip(),
            urlsplit(self.database.get_secret_value()).password or "",
            self.hub_token.get_secret_value() if self.hub_token else "",
        ]
        return tuple(sorted(filter(None, texts), key=len, reverse=True))

    def summary(self) -> dict[str, str]:
        """Variable -> value as it may be printed, in the order of the table in docs/operate.md."""
        return {variable(name): _shown(name, getattr(self, name)) for name in type(self).model_fields}


def load(env_file: Path | str | None = ".env") -> Settings:
    """Settings from the process environment, `env_file`, and `/run/secrets` (files named like the variables).

    Raises:
        UserError: one sentence about the first variable that is missing or wrong, and what to do.
    """
    try:
        return Settings(_env_file=env_file, _secrets_dir=SECRETS if SECRETS.is_dir() else None)  # pyright: ignore[reportCallIssue]
    except ValidationError as error:
        raise _explain(error) from None


def unknown(environment: Mapping[str, str]) -> tuple[str, ...]:
    """One sentence for every `TFPORT_*` variable that means nothing, with the nearest real name."""
    known = [*(variable(name) for name in Settings.model_fields), "TFPORT_DEBUG"]
    return tuple(
        f"{name} is not a variable of tfport"
        + (f"; did you mean {near[0]}?" if (near := difflib.get_close_matches(name, known, 1, 0.8)) else "")
        for name in sorted(environment)
        if name.startswith(PREFIX) and name not in known
    )


def variable(field: str) -> str:
    """Name of the environment variable of a field."""
    return PREFIX + field.upper()


def web_url(api: str) -> str:
    """The web site that belongs to a REST base. github.com and GHE.com have REST on a host of its own, GHES under /api/v3.

    >>> web_url("https://github.example.com/api/v3")
    'https://github.example.com'
    """
    parts = urlsplit(api)
    host, path = parts.netloc.removeprefix("api."), parts.path.removesuffix("/api/v3")
    return urlunsplit((parts.scheme, host, path, "", ""))


def _listed(full_name: str, patterns: tuple[str, ...]) -> bool:
    owner, wanted = full_name.partition("/")[0], {pattern.lower() for pattern in patterns}
    return full_name.lower() in wanted or f"{owner.lower()}/*" in wanted


def _all_match(pattern: re.Pattern[str], values: tuple[str, ...], what: str) -> tuple[str, ...]:
    for value in values:
        if not pattern.fullmatch(value):
            raise ValueError(f"contains {value!r}, which is not {what}")
    return values


def _explain(error: ValidationError) -> UserError:
    first = error.errors(include_url=False)[0]
    name = variable(str(first["loc"][0])) if first["loc"] else "the settings"
    hint = "docs/operate.md lists all variables"
    if first["type"] == "missing":
        description = Settings.model_fields[str(first["loc"][0])].description
        if name == "TFPORT_APP_ID":
            hint = "to register an app: tfport setup --url https://HOST; docs/operate.md has the rest"
        return UserError(f"{name} is not set: {description}", hint=hint)
    if first["type"] == "value_error":
        return UserError(f"{name} {first['ctx']['error']!s}", hint=hint)  # pyright: ignore[reportTypedDictNotRequiredAccess]
    return UserError(f"{name}: {first['msg'][0].lower()}{first['msg'][1:]}", hint=hint)


def _shown(name: str, value: object) -> str:
    if name == "database":
        text = value.get_secret_value() if isinstance(value, SecretStr) else ""
        parts = urlsplit(text)
        return text.replace(f":{parts.password}@", ":***@", 1) if parts.password else text
    if isinstance(value, SecretStr):
        return "***"
    if name == "index":  # it may carry a password, as the next ones
        return masked(str(value))
    if isinstance(value, tuple):
        return ", ".join(masked(str(entry)) for entry in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return "" if value is None else str(value)
