"""Settings: what is accepted, what is derived, and that errors name the variable and show no secret."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import SecretStr

from bot import settings as module
from bot.settings import Settings, load, unknown, variable, web_url
from checks.errors import UserError
from tests.server.keys import PEM, SECRET

OPERATE = Path(__file__).parent.parent / "docs/operate.md"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[pytest.MonkeyPatch]:
    """Only what is needed, whatever the machine has set."""
    for name in Settings.model_fields:
        monkeypatch.delenv(variable(name), raising=False)
    monkeypatch.setenv("TFPORT_APP_ID", "4242")
    monkeypatch.setenv("TFPORT_PRIVATE_KEY", PEM)
    monkeypatch.setenv("TFPORT_WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return monkeypatch


def test_defaults(tmp_path: Path):
    settings = load()
    assert (settings.github_api, settings.github_web) == ("https://api.github.com", "https://github.com")
    assert settings.database_url == f"sqlite:///{tmp_path}/tfport/tfport.sqlite"
    assert settings.inbox_url == f"sqlite:///{tmp_path}/tfport/inbox.sqlite"
    assert settings.maintainers == ("gante", "Rocketknight1")
    assert settings.serves("anyone/anything")
    assert not settings.readonly


@pytest.mark.parametrize("missing", ["app_id", "private_key", "webhook_secret"])
def test_missing_is_named(environment: pytest.MonkeyPatch, missing: str):
    environment.delenv(variable(missing))
    with pytest.raises(UserError, match=f"^{variable(missing)} is not set: "):
        load()


def test_empty_counts_as_missing(environment: pytest.MonkeyPatch):
    environment.setenv("TFPORT_WEBHOOK_SECRET", "")
    with pytest.raises(UserError, match="TFPORT_WEBHOOK_SECRET is not set"):
        load()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("app_id", "Iv1.abc", "TFPORT_APP_ID: input should be a valid integer"),
        ("app_id", "0", "TFPORT_APP_ID: input should be greater than 0"),
        ("private_key", "/nowhere/key.pem", "TFPORT_PRIVATE_KEY is neither PEM text nor the path"),
        (
            "private_key",
            "-----BEGIN RSA PRIVATE KEY-----\nxx\n-----END",
            "TFPORT_PRIVATE_KEY is not an unencrypted PEM",
        ),
        ("webhook_secret", "hunter2", "TFPORT_WEBHOOK_SECRET is shorter than 16"),
        ("webhook_secret_previous", "hunter2", "TFPORT_WEBHOOK_SECRET_PREVIOUS is shorter than 16"),
        ("github_api", "github.example.com", "TFPORT_GITHUB_API is not a URL"),
        ("github_api", "http://github.example.com/api/v3", "TFPORT_GITHUB_API must begin with https://"),
        (
            "github_api",
            "https://me:hunter2@github.example.com",
            "TFPORT_GITHUB_API must not carry a user name",
        ),
        (
            "database",
            "mysql://root:hunter2@db/x",
            "TFPORT_DATABASE is neither a file nor a postgresql:// URL",
        ),
        ("port", "http", "TFPORT_PORT: input should be a valid integer"),
        ("log_level", "loud", "TFPORT_LOG_LEVEL: input should be 'debug', 'info', 'warning' or 'error'"),
        ("readonly", "maybe", "TFPORT_READONLY: input should be a valid boolean"),
        (
            "repositories",
            "transformers",
            "TFPORT_REPOSITORIES contains 'transformers', which is not a repository",
        ),
        ("maintainers", "gante, not a login", "TFPORT_MAINTAINERS contains 'not a login'"),
    ],
)
def test_wrong_is_one_clear_line(environment: pytest.MonkeyPatch, name: str, value: str, message: str):
    environment.setenv(variable(name), value)
    with pytest.raises(UserError) as caught:
        load()
    assert caught.value.message.startswith(message)
    assert "\n" not in caught.value.message
    assert "hunter2" not in caught.value.message + caught.value.hint
    assert caught.value.__suppress_context__


def test_key_from_a_file_and_on_one_line(environment: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "key.pem").write_text(PEM)
    for value in (str(tmp_path / "key.pem"), PEM.replace("\n", "\\n")):
        environment.setenv("TFPORT_PRIVATE_KEY", value)
        assert load().private_key.get_secret_value() == PEM


def test_key_must_be_rsa(environment: pytest.MonkeyPatch):
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    environment.setenv("TFPORT_PRIVATE_KEY", pem)
    with pytest.raises(UserError, match="GitHub Apps sign with RSA"):
        load()


def test_rotation_and_mounted_secrets(environment: pytest.MonkeyPatch, tmp_path: Path):
    mounted = tmp_path / "secrets"
    mounted.mkdir()
    (mounted / "tfport_webhook_secret").write_text("from-a-mounted-file-1\n")
    environment.setattr(module, "SECRETS", mounted)
    environment.delenv("TFPORT_WEBHOOK_SECRET")
    environment.setenv("TFPORT_WEBHOOK_SECRET_PREVIOUS", SECRET)
    assert load().webhook_secrets == (b"from-a-mounted-file-1", SECRET.encode())


@pytest.mark.parametrize(
    ("api", "web"),
    [
        ("https://api.github.com", "https://github.com"),
        ("https://ghes.example/api/v3", "https://ghes.example"),
        ("https://api.hf.ghe.com", "https://hf.ghe.com"),
        ("http://127.0.0.1:4000", "http://127.0.0.1:4000"),
    ],
)
def test_links_follow_the_api(environment: pytest.MonkeyPatch, api: str, web: str):
    assert web_url(api) == web
    environment.setenv("TFPORT_GITHUB_API", api + "/")
    assert (load().github_api, load().github_web) == (api, web)
    environment.setenv("TFPORT_GITHUB_WEB", "https://elsewhere.example/")
    assert load().github_web == "https://elsewhere.example"


def test_serves_only_what_is_listed(environment: pytest.MonkeyPatch):
    environment.setenv("TFPORT_REPOSITORIES", "huggingface/transformers, Rocketknight1/*")
    settings = load()
    assert settings.serves("HuggingFace/Transformers")
    assert settings.serves("rocketknight1/anything")
    assert not settings.serves("huggingface/diffusers")


def test_databases(environment: pytest.MonkeyPatch, tmp_path: Path):
    environment.setenv("TFPORT_DATABASE", "postgres://bot:hunter2@db:5432/tfport")
    settings = load()
    assert settings.database_url == settings.inbox_url == "postgresql+psycopg://bot:hunter2@db:5432/tfport"
    assert "hunter2" in settings.secrets()
    environment.setenv("TFPORT_DATABASE", f"sqlite:///{tmp_path}/here.db")
    assert load().database_url == f"sqlite:///{tmp_path}/here.db"
    assert load().inbox_url == f"sqlite:///{tmp_path}/here-inbox.db"


def test_nothing_secret_in_any_text(environment: pytest.MonkeyPatch):
    environment.setenv("TFPORT_DATABASE", "postgresql://bot:hunter2@db/tfport")
    settings = load()
    shown = f"{settings!r} {settings} {settings.summary()} {settings.model_dump()}"
    for secret in (SECRET, "hunter2", PEM.splitlines()[1]):
        assert secret not in shown
    assert settings.summary()["TFPORT_DATABASE"] == "postgresql://bot:***@db/tfport"
    assert settings.summary()["TFPORT_WEBHOOK_SECRET"] == "***"


def test_typing_errors_are_told():
    assert unknown({"TFPORT_WEBHOOK_SECERT": "x", "TFPORT_PORT": "1", "PATH": "/"}) == (
        "TFPORT_WEBHOOK_SECERT is not a variable of tfport; did you mean TFPORT_WEBHOOK_SECRET?",
    )


def test_the_table_of_the_manual():
    rows: list[str] = []
    for name, field in Settings.model_fields.items():
        default: object = "required" if field.is_required() else field.get_default()
        if isinstance(default, tuple):
            default = ", ".join(default)
        if isinstance(default, SecretStr):
            default = default.get_secret_value()
        shown = (
            "`~/.local/share/tfport`"
            if name == "data_dir"
            else f"`{default}`"
            if default not in ("", None)
            else ""
        )
        rows.append(
            f"| `{variable(name)}` | {'**required**' if field.is_required() else shown} | {field.description} |"
        )
    table = "\n".join(rows)
    assert f"|---|---|---|\n{table}\n\n" in OPERATE.read_text("utf-8"), f"docs/operate.md needs:\n{table}"


def test_settings_of_execution(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TFPORT_SANDBOX", "docker")
    monkeypatch.setenv("TFPORT_PYTHONS", "/opt/a/python3.10, /opt/b/python3.11")
    monkeypatch.setenv("TFPORT_INDEX", "https://me:hunter2@pypi.example/simple")
    monkeypatch.setenv("TFPORT_TORCH_BACKEND", "none")
    settings = load()
    assert "hunter2" not in str(settings.summary())
    execution = settings.execution()
    assert (execution.sandbox, execution.sandbox_image) == ("docker", "debian:12-slim")
    assert execution.pythons == ("/opt/a/python3.10", "/opt/b/python3.11")
    assert execution.sources.index == "https://me:hunter2@pypi.example/simple"
    assert execution.sources.torch_backend == ""
