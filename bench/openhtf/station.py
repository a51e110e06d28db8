#!/usr/bin/env python3
"""The fixture's station written with OpenHTF, on simulated plugs that play back what happened to recorded units.

    station.py TIMELINE.json RESULTS_FOLDER

TIMELINE.json is what `compare` reads from a ledger: for every unit its attempts, readings, figures and facts, each with when it came. The plugs let each
of them come when it came there, so that the station waits as long for a unit as the fixture did. Every result is written as JSON
with the recorded light inside, and synced. A line of JSON on standard output says when the station was ready, and for
every unit how long it took and how long of that it only waited.
"""

import json
import os
import sys
import time

START = time.monotonic()

import openhtf as htf  # noqa: E402
from openhtf.output.callbacks import json_factory  # noqa: E402
from openhtf.plugs import BasePlug  # noqa: E402
from openhtf.util import configuration  # noqa: E402

CONF = configuration.CONF


class Unit:
    """The unit in the nest: what happens to it, and how long was waited for it."""

    current = None

    def __init__(self, recorded):
        self.recorded = recorded
        self.seated = time.monotonic()
        self.waited = 0.0

    def wait_until(self, at):
        """Sleeps until `at` seconds after the unit was seated."""
        left = self.seated + at - time.monotonic()
        if left > 0:
            before = time.monotonic()
            time.sleep(left)
            self.waited += time.monotonic() - before


class Nest(BasePlug):
    """Presence switch and the empty nest's light."""

    def facts(self):
        return [fact for fact in Unit.current.recorded["facts"] if fact["kind"] == "nest"]


class Tokens(BasePlug):
    """Where enrolment tokens come from."""

    def token(self):
        facts = [fact for fact in Unit.current.recorded["facts"] if fact["kind"] == "token"]
        for fact in facts[:1]:
            Unit.current.wait_until(fact["at"])
            return fact["detail"]
        return None


class Lamp(BasePlug):
    """Sends BlinkUp; loop-back sees it."""

    def send(self, attempt):
        Unit.current.wait_until(attempt["began"])
        Unit.current.wait_until(attempt["began"] + attempt["took"])
        return attempt


class Eye(BasePlug):
    """Sensor and LED reader: readings and stages, as they come."""

    def readings(self, until):
        for reading in Unit.current.recorded["readings"]:
            if reading["at"] > until:
                return
            Unit.current.wait_until(reading["at"])
            yield reading

    def led(self):
        return [dict(figure) for figure in Unit.current.recorded["measurements"]]

    def light(self):
        return bytes.fromhex(Unit.current.recorded["light"])


class Cloud(BasePlug):
    """Claims and blessings."""

    def events(self):
        for fact in Unit.current.recorded["facts"]:
            if fact["kind"] in ("claim", "bless"):
                Unit.current.wait_until(fact["at"])
                yield fact


@htf.plug(nest=Nest)
@htf.measures(htf.Measurement("nest").doc("ambient light and test flash"))
def empty_nest(test, nest):
    test.measurements.nest = "; ".join(fact["detail"] for fact in nest.facts())


@htf.plug(tokens=Tokens)
@htf.measures(htf.Measurement("token").doc("the id, never the token"))
def token(test, tokens):
    test.measurements.token = str(tokens.token())


@htf.plug(lamp=Lamp)
@htf.measures(
    htf.Measurement("attempts").with_dimensions("number"),
    htf.Measurement("sent").equals(True),
)
def send(test, lamp):
    last = None
    for attempt in Unit.current.recorded["attempts"]:
        last = lamp.send(attempt)
        test.measurements.attempts[attempt["number"]] = json.dumps(attempt, separators=(",", ":"))
    test.measurements.sent = last is not None and last["result"] == "received"


@htf.plug(eye=Eye, cloud=Cloud)
@htf.measures(
    htf.Measurement("readings").with_dimensions("at"),
    htf.Measurement("events"),
)
def watch(test, eye, cloud):
    # Both come in order of time.
    for reading in eye.readings(Unit.current.recorded["took"]):
        test.measurements.readings[reading["at"]] = json.dumps([reading["codes"], reading["confidence"]])
    test.measurements.events = sum(1 for _ in cloud.events())


@htf.plug(eye=Eye)
@htf.measures(
    htf.Measurement("led").with_dimensions("what", "scale"),
    htf.Measurement("facts").with_dimensions("number", "at", "kind"),
    htf.Measurement("stage"),
    htf.Measurement("code").equals("ok"),
)
def verdict(test, eye):
    Unit.current.wait_until(Unit.current.recorded["took"])
    for number, fact in enumerate(Unit.current.recorded["facts"]):
        test.measurements.facts[number, fact["at"], fact["kind"]] = fact["detail"]
    for figure in eye.led():
        test.measurements.led[figure.pop("what"), figure.pop("scale")] = json.dumps(figure, separators=(",", ":"))
    test.measurements.stage = Unit.current.recorded["stage"]
    test.measurements.code = Unit.current.recorded["code"]
    test.attach("light", eye.light())


def main():
    recorded = json.load(open(sys.argv[1], encoding="utf-8"))
    folder = sys.argv[2]
    os.makedirs(folder, exist_ok=True)
    CONF.load(capture_source=False)
    written = []

    def write(record):
        """As OpenHTF's own callback, and synced: a verdict that anyone saw is on the disk."""
        path = os.path.join(folder, f"{record.dut_id}-{len(written)}.json")
        with open(path, "wb") as file:
            json_factory.OutputToJSON(file, inline_attachments=True)(record)
            file.flush()
            os.fsync(file.fileno())
        written.append(os.path.getsize(path))

    test = htf.Test(empty_nest, token, send, watch, verdict, test_name="station")
    test.add_output_callbacks(write)
    print(json.dumps({"ready": time.monotonic() - START, "at": time.monotonic()}), flush=True)
    for unit in recorded:
        Unit.current = Unit(unit)
        passed = test.execute(test_start=lambda serial=unit["serial"]: serial)
        took = time.monotonic() - Unit.current.seated
        print(
            json.dumps(
                {
                    "serial": unit["serial"],
                    "passed": bool(passed),
                    "took": took,
                    "waited": Unit.current.waited,
                    "bytes": written[-1],
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()
