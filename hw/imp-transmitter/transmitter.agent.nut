// The agent of the fixture's imp: units' agents post their blessing here (imp.configparams.factory_fixture_url); the imp tells the fixture.

counted <- 0;

function isDeviceId(text) {
    return typeof text == "string" && text.len() == 16 && regexp("^[0-9a-fA-F]+$").match(text);
}

http.onrequest(function(request, response) {
    try {
        if (request.method != "POST" || request.body.len() > 1000) {
            response.send(400, "expected a blessing\n");
            return;
        }
        local result = http.jsondecode(request.body);
        if (!isDeviceId(result.device_id) || typeof result.blessed != "bool") {
            response.send(400, "expected device_id (16 hexadecimal digits) and blessed (true or false)\n");
            return;
        }
        counted++;
        local event = { "event": time() + "-" + counted, "device_id": result.device_id, "blessed": result.blessed };
        // Anything but 0: the imp is not there, and the unit's agent may post again.
        local sent = device.send("blessed", event) == 0;
        response.send(sent ? 200 : 503, sent ? "ok\n" : "the fixture is offline\n");
    } catch (error) {
        response.send(400, "expected a blessing in JSON\n");
    }
});
