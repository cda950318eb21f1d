"""Twilio's Python library behind standard input: one JSON line in, one out. See peer.mjs, which speaks the same.

{"op":"sign",  "token", "url", "params":[["name","value"],...], "algorithm"?}              -> {"signature"}
{"op":"check", "token", "url", "params":[...] | "body":"...", "signature", "algorithm"?}   -> {"valid"}
"""

import json
import sys

from twilio.request_validator import RequestValidator


class Params:
    """Parameters that may come several times, as web frameworks hand them over."""

    def __init__(self, pairs):
        self.pairs = pairs

    def __len__(self):
        return len(self.pairs)

    def __iter__(self):
        return (name for name, _ in self.pairs)

    def getall(self, name):
        return [value for other, value in self.pairs if other == name]


def answer(ask):
    validator = RequestValidator(ask["token"])
    algorithm = ask.get("algorithm")
    if ask["op"] == "sign":
        params = Params(ask.get("params", []))
        return {"signature": validator.compute_signature(ask["url"], params, algorithm)}
    presented = ask["body"] if "body" in ask else Params(ask["params"])
    return {"valid": validator.validate(ask["url"], presented, ask["signature"], algorithm)}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
