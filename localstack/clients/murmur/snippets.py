"""Owns the run of every snippet that a person is shown: README.md's two that send a goal, and the readers that
`murmur subscribe` prints.

Never a snippet of its own: each is taken from where a person takes it, and run as it is.
Next: `../run.sh`, which runs this as one of the clients.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

DEADLINE_S = 60
AGENTS = ("research", "analysis", "writer", "recommendation")
LANGUAGES = ("python", "typescript", "cli", "rust")
DRIVE = "import sys; sys.path.insert(0, {folder!r})\nimport read\nfound = 0\nwhile found < {count}: found += read.receive_once()\n"
DRIVE_JS = "import {{ receiveOnce }} from {path!r};\nlet found = 0;\nwhile (found < {count}) found += await receiveOnce();\n"


def block(readme, language, has):
    """The fenced block of this language that holds these words."""
    for text in re.findall(rf"^```{language}\n(.*?)^```", readme, re.DOTALL | re.MULTILINE):
        if has in text:
            return text
    raise SystemExit(f"README.md has no block of {language} with {has!r}")


class Scene:
    def __init__(self, given, run):
        self.given, self.run, self.ok, self.bad = given, run, 0, 0
        # The name that people type, whichever `aws` it is.
        tools = run / "bin"
        tools.mkdir()
        (tools / "aws").symlink_to(given.aws)
        path = f"{tools}{os.pathsep}{pathlib.Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        # Others of our variables are the tests' own, which a daemon would not know.
        others = {name: value for name, value in os.environ.items() if not name.startswith("MURMUR_")}
        self.environment = {
            **others, "PATH": path, "MURMUR_ARTIFACTS": f"file://{run}/artifacts", "MURMUR_RECEIVE_WAIT_S": "1",
            "MURMUR_SWEEP_EVERY_S": "1",
        }
        self.agents = []

    def check(self, what, holds, told=""):
        if holds:
            self.ok += 1
        else:
            self.bad += 1
            print(f"FAILED {what}\n{told}")

    def call(self, command, **more):
        ended = subprocess.run(
            command, env=self.environment, cwd=self.run, capture_output=True, text=True, timeout=DEADLINE_S, **more)
        if ended.returncode != 0:
            raise SystemExit(f"{command} ended with {ended.returncode}:\n{ended.stdout}\n{ended.stderr}")
        return ended.stdout

    def murmur(self, *arguments):
        endpoint = self.environment["AWS_ENDPOINT_URL"]
        return self.call([self.given.programs / "murmur", "--endpoint", endpoint, "--data", self.run / "data", *arguments])

    def start_agents(self):
        for name in AGENTS:
            log = open(self.run / f"{name}.log", "w", encoding="utf-8")
            self.agents.append(subprocess.Popen(
                [self.given.programs / name], env=self.environment, cwd=self.run, stdout=log, stderr=subprocess.STDOUT))

    def stop_agents(self):
        for agent in self.agents:
            agent.terminate()
        for agent in self.agents:
            agent.wait(timeout=DEADLINE_S)

    def read(self, language, program, count):
        """What the printed program prints until it has read so many events."""
        if language == "python":
            (self.run / "read.py").write_text(program, encoding="utf-8")
            return self.call([sys.executable, "-c", DRIVE.format(folder=str(self.run), count=count)])
        if language == "typescript":
            # Where the SDK is found, as in a reader's own package.
            folder = pathlib.Path(tempfile.mkdtemp(prefix="snippet-", dir=self.given.javascript / "node_modules"))
            try:
                typed, plain = folder / "read.mts", folder / "read.mjs"
                typed.write_text(program, encoding="utf-8")
                here = pathlib.Path(__file__).parent
                self.call(["node", here / "transpile.mjs", self.given.javascript, typed, plain])
                driver = folder / "drive.mjs"
                driver.write_text(DRIVE_JS.format(path=str(plain), count=count), encoding="utf-8")
                return self.call(["node", driver])
            finally:
                shutil.rmtree(folder)
        (self.run / "read.sh").write_text(program, encoding="utf-8")
        told, until = "", time.monotonic() + DEADLINE_S
        while told.count("\n") < count and time.monotonic() < until:
            told += self.call(["bash", "-euo", "pipefail", self.run / "read.sh"])
        return told


def main():
    asked = argparse.ArgumentParser()
    for name in ("programs", "javascript", "aws", "readme"):
        asked.add_argument(f"--{name}", type=pathlib.Path, required=True)
    given = asked.parse_args()
    readme = given.readme.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="murmur-snippets.") as folder:
        scene = Scene(given, pathlib.Path(folder))
        scene.call([given.programs / "provision"])
        try:
            play(scene, readme)
        finally:
            scene.stop_agents()
        print(f"snippets: {scene.ok} passed, {scene.bad} failed")
        sys.exit(scene.bad > 0 or scene.ok == 0)


def play(scene, readme):
    printed = {}
    for language in LANGUAGES:
        name = f"snippet-{language}"
        printed[language] = scene.murmur("subscribe", name, "--types", "goal.completed,goal.failed", "--snippet", language)
        again = scene.murmur("subscribe", name, "--types", "goal.completed,goal.failed", "--snippet", language)
        scene.check(f"{language}: subscribing again prints the same", again == printed[language], again)
    # As a person reads them: nothing of murmur, only an AWS client.
    scene.call([sys.executable, "-c", block(readme, "python", "boto3")])
    scene.call(["bash", "-euo", "pipefail", "-c", block(readme, "sh", "aws sqs send-message")])
    sent = waiting(scene)
    keys = {attributes["idempotency-key"]["StringValue"] for attributes in sent}
    traces = {attributes["traceparent"]["StringValue"].split("-")[1] for attributes in sent}
    scene.check("both goals carry key and trace", len(keys) == 2 and len(traces) == 2, sent)
    scene.start_agents()
    for language in ("python", "typescript", "cli"):
        told = scene.read(language, printed[language], 2)
        scene.check(f"{language}: the end of each goal", all(key in told for key in keys), told)
        if language == "cli":
            events = [json.loads(line) for line in told.splitlines()]
            found = {event["traceparent"].split("-")[1] for event in events}
            scene.check("the ends are in the senders' traces", found == traces, told)
            scene.check("the goals completed", all(event["type"] == "goal.completed" for event in events), told)
    for language in LANGUAGES:
        scene.murmur("unsubscribe", f"snippet-{language}")
    left = json.loads(scene.murmur("subscribe", "--list", "--json"))
    scene.check("nothing is left", left == {"subscriptions": []}, left)


def waiting(scene):
    """The attributes of what waits for the research agent, which stays there."""
    import boto3

    endpoint, region = scene.environment["AWS_ENDPOINT_URL"], scene.environment["AWS_REGION"]
    sqs = boto3.client("sqs", endpoint_url=endpoint, region_name=region)
    queue = sqs.get_queue_url(QueueName="murmur-research")["QueueUrl"]
    answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, MessageAttributeNames=["All"], VisibilityTimeout=5)
    messages = answer.get("Messages", [])
    for message in messages:
        sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
    return [message.get("MessageAttributes", {}) for message in messages]


if __name__ == "__main__":
    main()
