"""Inside the sandbox: says what the test file tells it to. `# fails: NAME` fails a test, `# slow` takes a minute."""

import json
import os
import sys
import time
from pathlib import Path

FORMATS = ["keyword", "dict", "positional", "numpy", "tf-function", "input-signature", "tuple-output"]


def send(message):
    body = json.dumps(message).encode()
    data = len(body).to_bytes(4, "big") + body
    while data:
        data = data[os.write(int(os.environ["TFPORT_RESULTS_FD"]), data) :]


def main():
    request = json.load(sys.stdin)
    if request["task"] == "examine":
        for name in request["classes"]:
            send({"kind": "class", "class": name, "unmade": ["no torch here"]})
        return
    text = Path("/tree", request["files"][0]).read_text()
    failing = [line.split(": ", 1)[1].strip() for line in text.splitlines() if line.startswith("# fails: ")]
    ids = request["ids"] if request["only"] is None else request["only"]
    for id in ids:
        if id in request["leave"]:
            continue
        send({"kind": "start", "id": id, "round": "first"})
        if "# slow" in text:
            time.sleep(60)
        bad = id.rsplit("::", 1)[-1] in failing
        where = next(n for n, line in enumerate(text.splitlines(), 1) if "class " in line)
        told = {"outcome": "failed" if bad else "passed", "message": "one is not two" if bad else ""}
        frames = [[request["files"][0], where, "test"]] if bad else []
        send({"kind": "result", "id": id, "round": "first", "seconds": 0.01, "frames": frames, **told})
    send({"kind": "done", "complete": True})


main()
