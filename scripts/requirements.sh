#!/bin/sh
# Resolves requirements/*.txt: hashed, for every supported Python, without URLs.
set -eu
uv=$1
# A local mirror or folder of wheels must not leave its hashes in the files.
unset UV_FIND_LINKS PIP_FIND_LINKS
compile() {
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
        --no-emit-index-url --no-emit-find-links --custom-compile-command "make requirements" "$@"
}
echo "uv>=0.13,<0.14" | compile - -o requirements/uv.txt
compile pyproject.toml --extra bot -o requirements/bot.txt
compile pyproject.toml --extra bot --group dev -c requirements/bot.txt -o requirements/dev.txt
echo "hatchling>=1.27" | compile - -c requirements/dev.txt -o requirements/build.txt
