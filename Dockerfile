# The bot. Settings are TFPORT_* variables: docs/operate.md.
#   docker build -t tfport . && docker run --env-file .env -p 8080:8080 -v tfport:/var/lib/tfport tfport

FROM python:3.12-slim AS build
WORKDIR /build
COPY requirements/build.txt requirements/bot.txt requirements/
RUN python -m venv /opt/tfport \
    && /opt/tfport/bin/pip install --no-cache-dir --require-hashes -r requirements/bot.txt
RUN pip install --no-cache-dir --require-hashes -r requirements/build.txt
COPY pyproject.toml README.md LICENSE app.yml ./
COPY templates templates
COPY checks checks
COPY bot bot
RUN pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/tfport/bin/pip install --no-cache-dir --no-deps --no-index /wheels/*.whl

FROM python:3.12-slim
# git fetches; bubblewrap is the sandbox.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends bubblewrap git \
    && rm -rf /var/lib/apt/lists/* \
    # The base image comes without bytecode, which would be made anew at every start.
    && python -m compileall -q /usr/local/lib/python3.12 \
    && useradd --system --uid 10001 --user-group --no-create-home --home-dir /var/lib/tfport tfport \
    && install --directory --owner tfport --group tfport --mode 0700 /var/lib/tfport
COPY --from=build /opt/tfport /opt/tfport
# Interpreters that TensorFlow of 2022 to 2024 has wheels for; environments are made with them.
RUN UV_PYTHON_INSTALL_DIR=/opt/python /opt/tfport/bin/uv python install --no-bin 3.10 3.11
ENV PATH=/opt/tfport/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TFPORT_DATA_DIR=/var/lib/tfport \
    TFPORT_CACHE=/var/lib/tfport/cache \
    UV_CACHE_DIR=/var/lib/tfport/cache/uv \
    TFPORT_HOST=0.0.0.0
USER 10001
WORKDIR /var/lib/tfport
VOLUME /var/lib/tfport
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + (os.environ.get('TFPORT_PORT') or '8080') + '/healthz', timeout=4)"]
ENTRYPOINT ["tfport"]
CMD ["serve"]
