#!/usr/bin/env python3
"""Draws the jig's schematics from the wiring tables of ../pins.md, a sheet a table.

    make.py           writes one-lane, one-lane-cheapest, four-lanes, eight-lanes (.kicad_sch, .kicad_pro) beside itself
    make.py --check   writes nothing, and fails where a file is not what would be written

Every pin carries a net by a label at its end; what has no net is marked as not connected.
"""
import json, pathlib, re, sys, uuid

HERE = pathlib.Path(__file__).resolve().parent
GRID = 2.54
LANES = {"one-lane": 1, "one-lane-cheapest": 1, "four-lanes": 4, "eight-lanes": 8}
# Paper for each, and the lowest place on it for a part, in millimetres.
WIDTH = {"A3": 420, "A2": 594, "A1": 841}
PAPER = {"one-lane": ("A3", 240), "one-lane-cheapest": ("A3", 240), "four-lanes": ("A2", 360), "eight-lanes": ("A1", 530)}

# The 40-pin header (Raspberry Pi documentation, "GPIO and the 40-pin header"): header pin to what is not GPIO.
SUPPLY = {1: "+3V3", 17: "+3V3", 2: "+5V", 4: "+5V", **{pin: "GND" for pin in (6, 9, 14, 20, 25, 30, 34, 39)}}
GPIO = {3: 2, 5: 3, 7: 4, 8: 14, 10: 15, 11: 17, 12: 18, 13: 27, 15: 22, 16: 23, 18: 24, 19: 10, 21: 9, 22: 25, 23: 11, 24: 8,
        26: 7, 27: 0, 28: 1, 29: 5, 31: 6, 32: 12, 33: 13, 35: 19, 36: 16, 37: 26, 38: 20, 40: 21}


def wiring(name):
    """Net of each GPIO, by the table in pins.md."""
    text = (HERE.parent / "pins.md").read_text()
    section = re.search(rf"^## Wiring: {name}$(.*?)(?=^## |\Z)", text, re.M | re.S)
    rows = re.findall(r"^\| (\d+) \| (\d+) \| (.+?) \|$", section.group(1), re.M)
    nets = {}
    for gpio, pin, use in rows:
        if GPIO[int(pin)] != int(gpio):
            sys.exit(f"pins.md: GPIO {gpio} is not on header pin {pin}")
        use = re.sub(r" \(.*\)$", "", use)
        nets[int(gpio)] = re.sub(r"[^A-Z0-9]+", "_", use.upper()).strip("_")
    return nets


class Kind:
    """A kind of part: pins as (number, name, electrical type, side)."""

    def __init__(self, name, letter, pins):
        self.name, self.letter, self.pins = name, letter, pins
        self.sides = {side: [pin for pin in pins if pin[3] == side] for side in "LR"}
        self.rows = max(len(side) for side in self.sides.values())
        self.half = max(5.08, GRID * round(max([len(pin[1]) for pin in pins] + [4]) * 1.0 / GRID + 1.5))

    def at(self, number):
        """Where a pin ends, from the middle of the part's top edge; y downwards."""
        for side, pins in self.sides.items():
            for row, pin in enumerate(pins):
                if pin[0] == number:
                    return (-1 if side == "L" else 1) * (self.half + GRID), GRID * (row + 1)
        raise KeyError(number)

    def drawing(self):
        # KiCad counts y upwards within a symbol.
        out = [f'(symbol "jig:{self.name}" (exclude_from_sim no) (in_bom yes) (on_board yes)']
        for key, value, y in (("Reference", self.letter, 2.54), ("Value", self.name, 0), ("Footprint", "", 0), ("Datasheet", "", 0)):
            hide = " (hide yes)" if key in ("Footprint", "Datasheet") else ""
            out.append(f'(property "{key}" "{value}" (at 0 {y} 0) (effects (font (size 1.27 1.27)){hide}))')
        bottom = -GRID * (self.rows + 1)
        out.append(f'(symbol "{self.name}_1_1" (rectangle (start {-self.half} 0) (end {self.half} {bottom})'
                   ' (stroke (width 0.254) (type default)) (fill (type background)))')
        for number, name, kind, side in self.pins:
            x, y = self.at(number)
            out.append(f'(pin {kind} line (at {x:g} {-y:g} {0 if side == "L" else 180}) (length 2.54)'
                       f' (name "{name}" (effects (font (size 1.27 1.27)))) (number "{number}" (effects (font (size 1.27 1.27)))))')
        return "\n".join(out) + "))"


def two(name, letter, left="1", right="2"):
    return Kind(name, letter, [("1", left, "passive", "L"), ("2", right, "passive", "R")])


def header():
    pins = []
    for pin in range(1, 41):
        side = "L" if pin % 2 else "R"
        if pin in SUPPLY:
            kind = {"+3V3": "power_out" if pin == 1 else "passive", "+5V": "power_in", "GND": "power_in"}[SUPPLY[pin]]
            pins.append((str(pin), SUPPLY[pin], kind, side))
        else:
            pins.append((str(pin), f"GPIO{GPIO[pin]}", "bidirectional", side))
    return Kind("Raspberry_Pi", "J", pins)


def connector(count, output=False):
    return Kind(f"Conn_{count}" + ("_supply" if output else ""), "J",
                [(str(n), str(n), "power_out" if output else "passive", "R") for n in range(1, count + 1)])


PI = header()
SUPPLY_IN = connector(2, output=True)
R, C, LED, DIODE = two("R", "R"), two("C", "C"), two("LED", "D", "K", "A"), two("D", "D", "K", "A")
NMOS = Kind("NMOS", "Q", [("1", "G", "input", "L"), ("2", "S", "passive", "R"), ("3", "D", "passive", "R")])
# ams TCS3472 data sheet, "Terminal functions", FN package.
TCS3472 = Kind("TCS34725", "U", [("1", "VDD", "power_in", "L"), ("2", "SCL", "input", "L"), ("3", "GND", "power_in", "L"),
                                 ("4", "NC", "no_connect", "R"), ("5", "INT", "open_collector", "R"), ("6", "SDA", "bidirectional", "R")])
# TI TCA9548A data sheet, pin configuration, PW package.
TCA9548A = Kind("TCA9548A", "U",
                [("23", "SDA", "bidirectional", "L"), ("22", "SCL", "input", "L"), ("3", "RESET", "input", "L"), ("1", "A0", "input", "L"),
                 ("2", "A1", "input", "L"), ("21", "A2", "input", "L"), ("24", "VCC", "power_in", "L"), ("12", "GND", "power_in", "L")]
                + [(str(pin), f"{'SD' if even else 'SC'}{n}", "bidirectional", "R")
                   for n, first in enumerate((4, 6, 8, 10, 13, 15, 17, 19)) for even, pin in ((True, first), (False, first + 1))])
# NXP PCA9685 data sheet, pin description, TSSOP28.
PCA9685 = Kind("PCA9685", "U",
               [("27", "SDA", "bidirectional", "L"), ("26", "SCL", "input", "L"), ("23", "OE", "input", "L"), ("25", "EXTCLK", "input", "L")]
               + [(pin, f"A{n}", "input", "L") for n, pin in enumerate(("1", "2", "3", "4", "5", "24"))]
               + [("28", "VDD", "power_in", "L"), ("14", "VSS", "power_in", "L")]
               + [(str(6 + n if n < 8 else 7 + n), f"LED{n}", "output", "R") for n in range(16)])
# TI TLC393 data sheet, pin functions, D package; ST's TS393 has the same.
TLC393 = Kind("TLC393", "U", [("3", "IN1+", "input", "L"), ("2", "IN1-", "input", "L"), ("5", "IN2+", "input", "L"), ("6", "IN2-", "input", "L"),
                              ("8", "VDD", "power_in", "L"), ("4", "GND", "power_in", "L"),
                              ("1", "OUT1", "open_collector", "R"), ("7", "OUT2", "open_collector", "R")])
PHOTODIODE = two("Photodiode", "D", "K", "A")
TRIMMER = Kind("Trimmer", "RV", [("1", "1", "passive", "L"), ("2", "2", "passive", "R"), ("3", "3", "passive", "L")])
# TI ULN2803A data sheet, pin configuration.
ULN2803A = Kind("ULN2803A", "U", [(str(n), f"IN{n}", "input", "L") for n in range(1, 9)]
                + [("9", "GND", "power_in", "L"), ("10", "COM", "passive", "R")]
                + [(str(19 - n), f"OUT{n}", "open_collector", "R") for n in range(1, 9)])
# Sharp PC817 data sheet, internal connection.
PC817 = Kind("PC817", "U", [("1", "A", "passive", "L"), ("2", "K", "passive", "L"), ("4", "C", "passive", "R"), ("3", "E", "passive", "R")])
RELAY = Kind("Relay_5V", "K", [("1", "COIL+", "passive", "L"), ("2", "COIL-", "passive", "L"), ("3", "COM", "passive", "R"),
                               ("4", "NO", "passive", "R")])


class Sheet:
    def __init__(self, name, title):
        self.name, self.title, self.parts, self.counts = name, title, [], {}

    def add(self, kind, value, nets):
        """A part; `nets` by pin number. Pins without a net are not connected."""
        unknown = set(nets) - {pin[0] for pin in kind.pins}
        if unknown:
            sys.exit(f"{self.name}: {kind.name} has no pins {unknown}")
        self.counts[kind.letter] = self.counts.get(kind.letter, 0) + 1
        self.parts.append((kind, f"{kind.letter}{self.counts[kind.letter]}", value, nets))

    def id(self, what):
        return uuid.uuid5(uuid.NAMESPACE_URL, f"blinkup-fixture/{self.name}/{what}")

    def drawing(self):
        root, out = self.id("root"), []
        out.append(f'(kicad_sch (version 20250114) (generator "make.py") (generator_version "9.0") (uuid "{root}") (paper "{PAPER[self.name][0]}")')
        out.append(f'(title_block (title "{self.title}") (company "BlinkUp fixture")'
                   ' (comment 1 "Drawn by make.py from the wiring tables in pins.md"))')
        kinds = {part[0].name: part[0] for part in self.parts}
        out.append("(lib_symbols\n" + "\n".join(kind.drawing() for kind in kinds.values()) + ")")
        x, y = 63.5, 25.4
        width = 88.9
        for kind, reference, value, nets in self.parts:
            height = GRID * (kind.rows + 4)
            if y + height > PAPER[self.name][1]:
                x, y = x + width, 25.4
            if x + width / 2 > WIDTH[PAPER[self.name][0]] - 20:
                sys.exit(f"{self.name}: the paper is too small")
            out.append(self.part(kind, reference, value, nets, x, y, root))
            y += height
        out.append('(sheet_instances (path "/" (page "1"))) (embedded_fonts no))')
        return "\n".join(out) + "\n"

    def part(self, kind, reference, value, nets, x, y, root):
        out = [f'(symbol (lib_id "jig:{kind.name}") (at {x:g} {y:g} 0) (unit 1) (exclude_from_sim no) (in_bom yes) (on_board yes) (dnp no)'
               f' (uuid "{self.id(reference)}")']
        for key, text, dx, dy in (("Reference", reference, 0, -3.81), ("Value", value, 0, -1.27), ("Footprint", "", 0, 0), ("Datasheet", "", 0, 0)):
            hide = " (hide yes)" if key in ("Footprint", "Datasheet") else ""
            out.append(f'(property "{key}" "{text}" (at {x + dx:g} {y + dy:g} 0) (effects (font (size 1.27 1.27)){hide}))')
        out += [f'(pin "{pin[0]}" (uuid "{self.id(reference + "." + pin[0])}"))' for pin in kind.pins]
        out.append(f'(instances (project "{self.name}" (path "/{root}" (reference "{reference}") (unit 1)))))')
        for number, _, kind_of_pin, side in kind.pins:
            dx, dy = kind.at(number)
            at = f"{x + dx:g} {y + dy:g}"
            place = self.id(f"{reference}.{number}.net")
            if number in nets:
                turn, justify = (180, "right") if side == "L" else (0, "left")
                out.append(f'(global_label "{nets[number]}" (shape passive) (at {at} {turn}) (effects (font (size 1.27 1.27))'
                           f' (justify {justify})) (uuid "{place}"))')
            elif kind_of_pin != "no_connect":
                out.append(f'(no_connect (at {at}) (uuid "{place}"))')
        return "\n".join(out)


def lamp_and_colour_sensor(sheet, lane, lanes):
    lamp = f"LAMP_LANE_{lane}"
    # Dark whenever nobody drives the gate: the resistor to ground.
    sheet.add(NMOS, "AO3400A", {"1": lamp, "2": "GND", "3": f"LAMP_{lane}_K"})
    sheet.add(R, "10 k", {"1": lamp, "2": "GND"})
    sheet.add(R, "470 R", {"1": "+5V", "2": f"LAMP_{lane}_A"})
    sheet.add(LED, f"white, lane {lane}", {"1": f"LAMP_{lane}_K", "2": f"LAMP_{lane}_A"})
    sda, scl = (f"LANE_{lane}_SDA", f"LANE_{lane}_SCL") if lanes > 1 else ("I2C1_DATA", "I2C1_CLOCK")
    sheet.add(TCS3472, f"TCS34725, lane {lane}", {"1": "+3V3", "2": scl, "3": "GND", "6": sda})
    sheet.add(C, "100 nF", {"1": "+3V3", "2": "GND"})
    if lanes > 1:
        # The first bus has its resistors on the Pi (1.8 k); the multiplexer's have none.
        for line in (sda, scl):
            sheet.add(R, "4.7 k", {"1": line, "2": "+3V3"})


def ladder_and_comparators(sheet):
    """One lane's lamp on two rungs, and its photodiodes; ../optics.md has the figures."""
    for rung in ("LAMP_MID_LANE_1", "LAMP_REST_LANE_1"):
        # Dark whenever nobody drives the gate: the resistor to ground. Two like rungs: one alone gives half of the light of both.
        sheet.add(NMOS, "AO3400A", {"1": rung, "2": "GND", "3": f"{rung}_K"})
        sheet.add(R, "10 k", {"1": rung, "2": "GND"})
        sheet.add(R, "1 k 1%", {"1": f"{rung}_K", "2": "LAMP_1_K"})
    sheet.add(LED, "white, lane 1", {"1": "LAMP_1_K", "2": "+5V"})
    # Light raises the inverting input over the threshold, and the output goes to ground. The outputs' resistors to 3.3 V are the Pi's own.
    sheet.add(TLC393, "TLC393", {"1": "RED_COMPARATOR_LANE_1", "2": "RED_LIGHT", "3": "RED_THRESHOLD", "7": "GREEN_COMPARATOR_LANE_1",
                                 "6": "GREEN_LIGHT", "5": "GREEN_THRESHOLD", "8": "+5V", "4": "GND"})
    sheet.add(C, "100 nF", {"1": "+5V", "2": "GND"})
    for colour, load in (("RED", "220 k"), ("GREEN", "470 k")):
        sheet.add(PHOTODIODE, f"BPW34, {colour.lower()} foil", {"1": "+3V3", "2": f"{colour}_LIGHT"})
        sheet.add(R, load, {"1": f"{colour}_LIGHT", "2": "GND"})
        sheet.add(R, "1 k", {"1": "+3V3", "2": f"{colour}_RANGE"})
        sheet.add(TRIMMER, "10 k, 25 turns", {"1": f"{colour}_RANGE", "2": f"{colour}_THRESHOLD", "3": "GND"})
        sheet.add(R, "1 M", {"1": f"{colour}_THRESHOLD", "2": f"{colour}_COMPARATOR_LANE_1"})


def jig(name):
    lanes, nets = LANES[name], wiring(name)
    used = set(nets.values())
    cheapest = "RED_COMPARATOR_LANE_1" in used
    sheet = Sheet(name, f"Jig, {lanes} lane{'s' if lanes > 1 else ''}{', ladder and comparators' if cheapest else ''}")
    sheet.add(SUPPLY_IN, "5 V supply", {"1": "+5V", "2": "GND"})
    sheet.add(PI, "Raspberry Pi", {str(pin): net for pin, net in SUPPLY.items()}
              | {str(pin): nets[gpio] for pin, gpio in GPIO.items() if gpio in nets})
    sheet.add(C, "100 uF", {"1": "+5V", "2": "GND"})
    data, clock = "I2C1_DATA", "I2C1_CLOCK"

    if lanes > 1:
        sheet.add(PCA9685, "PCA9685 (0x40)",
                  {"27": data, "26": clock, "28": "+3V3", **{pin: "GND" for pin in ("14", "23", "25", "1", "2", "3", "4", "5", "24")},
                   **{str(6 + n): f"LAMP_LANE_{n + 1}" for n in range(lanes)}})
        sheet.add(C, "100 nF", {"1": "+3V3", "2": "GND"})
        sheet.add(TCA9548A, "TCA9548A (0x70)",
                  {"23": data, "22": clock, "3": "MULTIPLEXER_RESET", "24": "+3V3", **{pin: "GND" for pin in ("12", "1", "2", "21")},
                   **{str(pin): f"LANE_{n + 1}_{line}" for n, first in list(enumerate((4, 6, 8, 10, 13, 15, 17, 19)))[:lanes]
                      for pin, line in ((first, "SDA"), (first + 1, "SCL"))}})
        sheet.add(C, "100 nF", {"1": "+3V3", "2": "GND"})
        sheet.add(R, "10 k", {"1": "MULTIPLEXER_RESET", "2": "+3V3"})

    if cheapest:
        ladder_and_comparators(sheet)
    for lane in range(1, lanes + 1):
        if not cheapest:
            lamp_and_colour_sensor(sheet, lane, lanes)
        nest = f"NEST_SWITCH_LANE_{lane}"
        sheet.add(connector(2), f"nest {lane}", {"1": f"NEST_{lane}", "2": "GND"})
        sheet.add(R, "1 k", {"1": f"NEST_{lane}", "2": nest})
        sheet.add(R, "10 k", {"1": nest, "2": "+3V3"})

    for first in range(1, lanes + 1, 8):
        here = range(first, min(first + 8, lanes + 1))
        sheet.add(ULN2803A, "ULN2803A, relays",
                  {"9": "GND", "10": "+5V", **{str(n): "GND" for n in range(1, 9)},
                   **{str(lane - first + 1): f"RELAY_LANE_{lane}" for lane in here},
                   **{str(19 - (lane - first + 1)): f"COIL_{lane}" for lane in here}})
    for lane in range(1, lanes + 1):
        sheet.add(RELAY, f"unit power, lane {lane}", {"1": "+5V", "2": f"COIL_{lane}", "3": f"UNIT_{lane}_IN", "4": f"UNIT_{lane}_OUT"})
        sheet.add(connector(2), f"unit {lane}: supply, unit", {"1": f"UNIT_{lane}_IN", "2": f"UNIT_{lane}_OUT"})

    tower = ["TOWER_LIGHT_RED", "TOWER_LIGHT_AMBER", "TOWER_LIGHT_GREEN", "BUZZER"]
    sheet.add(ULN2803A, "ULN2803A, tower",
              {"9": "GND", "10": "+24V", **{str(n): "GND" for n in range(5, 9)},
               **{str(n + 1): net for n, net in enumerate(tower)}, **{str(18 - n): f"{net}_OUT" for n, net in enumerate(tower)}})
    sheet.add(connector(6), "tower: 24 V, 0 V, red, amber, green, buzzer",
              {"1": "+24V", "2": "GND", **{str(3 + n): f"{net}_OUT" for n, net in enumerate(tower)}})
    sheet.add(connector(2), "start button", {"1": "START_BUTTON", "2": "GND"})
    sheet.add(R, "10 k", {"1": "START_BUTTON", "2": "+3V3"})
    sheet.add(connector(3), "serial: transmit, receive, ground", {"1": "SERIAL_TRANSMIT", "2": "SERIAL_RECEIVE", "3": "GND"})

    outputs = [net for net in ("PLC_READY", "PLC_BUSY", "PLC_PASS", "PLC_FAIL") if net in used]
    for net in outputs:
        sheet.add(R, "470 R", {"1": net, "2": f"{net}_A"})
        sheet.add(PC817, "PC817", {"1": f"{net}_A", "2": "GND", "4": f"{net}_OUT", "3": "PLC_COMMON"})
    if outputs:
        sheet.add(connector(len(outputs) + 1), "PLC: " + ", ".join(net[4:].lower() for net in outputs) + ", common",
                  {**{str(n + 1): f"{net}_OUT" for n, net in enumerate(outputs)}, str(len(outputs) + 1): "PLC_COMMON"})
    if "PLC_START" in used:
        sheet.add(connector(2), "PLC start, 24 V", {"1": "PLC_START_IN", "2": "PLC_START_COMMON"})
        sheet.add(R, "4.7 k", {"1": "PLC_START_IN", "2": "PLC_START_A"})
        sheet.add(PC817, "PC817", {"1": "PLC_START_A", "2": "PLC_START_COMMON", "4": "PLC_START", "3": "GND"})
        sheet.add(R, "10 k", {"1": "PLC_START", "2": "+3V3"})

    display = sorted(net for net in used if net.startswith("DISPLAY_"))
    if display:
        sheet.add(connector(len(display) + 2), "display: 3.3 V, ground, " + ", ".join(net[8:].lower() for net in display),
                  {"1": "+3V3", "2": "GND", **{str(n + 3): net for n, net in enumerate(display)}})
    drawn = {net for part in sheet.parts if part[0] is not PI for net in part[3].values()}
    if used - drawn:
        sys.exit(f"{sheet.name}: pins.md wires {sorted(used - drawn)}, and nothing here hangs on them")
    return sheet


def project(name):
    # There is no library beside the file: every symbol is in it, and footprints are the board's matter.
    quiet = {rule: "ignore" for rule in ("lib_symbol_issues", "lib_symbol_mismatch", "footprint_link_issues")}
    return json.dumps({"erc": {"rule_severities": quiet}, "meta": {"filename": f"{name}.kicad_pro", "version": 3}}, indent=2) + "\n"


def main():
    check = sys.argv[1:] == ["--check"]
    wrong = []
    for name in LANES:
        for path, text in ((HERE / f"{name}.kicad_sch", jig(name).drawing()), (HERE / f"{name}.kicad_pro", project(name))):
            if check and (not path.exists() or path.read_text() != text):
                wrong.append(path.name)
            elif not check:
                path.write_text(text)
    if wrong:
        sys.exit(f"not what make.py draws from pins.md: {', '.join(wrong)}")


main()
