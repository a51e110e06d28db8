// The fixture's imp: sends BlinkUp when the fixture asks for it. The line to the fixture: PROTOCOL.md.

// For an imp002; other modules name their pins otherwise.
line <- hardware.uart57;
led <- hardware.pin8;

const VERSION = "1";
const BAUD = 115200;
const ANSWERS = 0.3;   // seconds
const TRIES = 10;
const TOKEN = 20.0;    // seconds that impCloud may take for a token
const BEAT = 0.05;     // seconds
const STOOD_STILL = 500; // milliseconds without a beat: impOS was flashing the LED

// --- frames ------------------------------------------------------------------------------------------------------------

function check(text) {
    local crc = 0xffff;
    foreach (letter in text) {
        crc = crc ^ (letter << 8);
        for (local bit = 0; bit < 8; bit++) {
            crc = (crc & 0x8000) ? ((crc << 1) ^ 0x1021) : (crc << 1);
            crc = crc & 0xffff;
        }
    }
    return crc;
}

function put(kind, number, payload) {
    local body = VERSION + kind + format("%02X", number) + payload;
    line.write(":" + body + format("*%04X\n", check(body)));
}

function fromHexadecimal(digits) {
    local value = 0;
    foreach (letter in digits) {
        local digit = -1;
        if (letter >= '0' && letter <= '9') digit = letter - '0';
        if (letter >= 'A' && letter <= 'F') digit = letter - 'A' + 10;
        if (digit < 0) return null;
        value = value * 16 + digit;
    }
    return value;
}

// What stood between ':' and the end of the line; null where it is damaged.
function read(body) {
    local star = body.len() - 5;
    if (star < 4 || body[star] != '*') return null;
    local text = body.slice(0, star);
    if (fromHexadecimal(body.slice(star + 1)) != check(text)) return null;
    if (text.slice(0, 1) != VERSION) return null;
    local number = fromHexadecimal(text.slice(2, 4));
    if (number == null) return null;
    return { "kind": text.slice(1, 2), "number": number, "payload": text.slice(4) };
}

// --- messages ----------------------------------------------------------------------------------------------------------

queue <- [];
underWay <- null;
next <- 0;
last <- -1;

function say(kind, payload) {
    queue.push({ "kind": kind, "payload": payload });
    pump();
}

function pump() {
    local now = hardware.millis();
    if (underWay != null && underWay.left == 0 && now - underWay.due >= 0) underWay = null;
    if (underWay == null && queue.len() > 0) {
        underWay = queue.remove(0);
        underWay.number <- next;
        underWay.due <- now;
        underWay.left <- TRIES;
        next = (next + 1) % 256;
    }
    if (underWay != null && underWay.left > 0 && now - underWay.due >= 0) {
        underWay.left--;
        underWay.due = now + (ANSWERS * 1000).tointeger();
        put(underWay.kind, underWay.number, underWay.payload);
    }
}

body <- null;

function heard() {
    local byte = line.read();
    while (byte >= 0) {
        if (byte == ':') {
            body = "";
        } else if (byte == '\n') {
            local frame = (body == null) ? null : read(body);
            body = null;
            if (frame != null) took(frame);
        } else if (byte != '\r' && body != null) {
            body = (body.len() > 260) ? null : body + byte.tochar();
        }
        byte = line.read();
    }
}

function took(frame) {
    if (frame.kind == "+") {
        if (underWay != null && underWay.number == frame.number) underWay = null;
        pump();
        return;
    }
    put("+", frame.number, "");
    local again = frame.number == last && frame.kind != "H";
    last = frame.number;
    if (again) return;
    if (frame.kind == "H") hello();
    if (frame.kind == "S") order(frame.payload);
}

// Without what would end a frame or a field.
function plain(text) {
    local kept = "";
    foreach (letter in text) {
        if (letter >= ' ' && letter <= '~' && letter != ':' && letter != '*' && letter != ',') kept += letter.tochar();
    }
    return kept;
}

function hello() {
    local software = imp.getsoftwareversion();
    if (software.len() > 60) software = software.slice(0, 60);
    say("U", hardware.getdeviceid() + "," + plain(software));
}

// --- BlinkUp -----------------------------------------------------------------------------------------------------------

sending <- null;

function text(digits) {
    local bytes = "";
    for (local place = 0; place + 1 < digits.len(); place += 2) {
        bytes += fromHexadecimal(digits.slice(place, place + 2)).tochar();
    }
    return bytes;
}

// Fields that may be empty, which split() would leave out.
function fields(payload) {
    local found = [""];
    foreach (letter in payload) {
        if (letter == ',') found.push("");
        else found[found.len() - 1] += letter.tochar();
    }
    return found;
}

function order(payload) {
    local asked = fields(payload);
    if (asked.len() != 4) return;
    if (sending != null) return say("F", asked[0] + ",busy");
    if (!server.isconnected()) return say("F", asked[0] + ",the imp is offline");
    sending = { "order": asked[0], "since": hardware.millis() };
    local flags = BLINKUP_ACTIVEHIGH;
    if (asked[3] == "F") flags = flags | BLINKUP_FAST;
    // The fixture must have the answer before Squirrel stands still.
    line.flush();
    server.factoryblinkup(text(asked[1]), text(asked[2]), led, flags);
}

beaten <- hardware.millis();

function beat() {
    imp.wakeup(BEAT, beat);
    local now = hardware.millis();
    local stood = now - beaten;
    beaten = now;
    if (sending != null) {
        if (stood >= STOOD_STILL) {
            say("D", sending.order + "," + stood);
            sending = null;
        } else if (now - sending.since >= TOKEN * 1000) {
            say("F", sending.order + ",no token in " + TOKEN.tointeger() + " s (is this imp in a Fixture Device Group?)");
            sending = null;
        }
    }
    pump();
}

// --- blessings ---------------------------------------------------------------------------------------------------------

agent.on("blessed", function(result) {
    say("B", result.event + "," + result.device_id + "," + (result.blessed ? "1" : "0"));
});

// --- start -------------------------------------------------------------------------------------------------------------

led.configure(DIGITAL_OUT, 0);
line.setrxfifosize(600);
line.configure(BAUD, 8, PARITY_NONE, 1, NO_CTSRTS, heard);
beat();
hello();
