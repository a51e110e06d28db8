// The nest of one lane: holds the unit face down over lamp and light pipe, keeps room light out, and a baffle between the two.
// All lengths in millimetres. Render: openscad -o nest.stl nest.scad, openscad -D 'part="lid"' -o lid.stl nest.scad
part = "nest";                  // or the "lid" over an empty nest, for when the bench lights it
// The unit's own measures; every product needs its own.
unit = [90, 60, 18];            // what lies in the nest
clearance = 0.4;                // around it
lamp_at = [30, 20];             // the BlinkUp window's middle, from the unit's lower left corner
led_at = [52, 20];              // the status LED's middle

wall = 4;
floor_ = 16;                    // deep enough for the 12 mm light pipe and the lamp's cone
lamp_hole = 5.2;                // a 5 mm LED
window = 9;                     // what of the lamp's cone reaches the unit
pipe_hole = 3.2;                // a 3 mm acrylic rod
baffle = 1.2;                   // two widths of a printer's nozzle and more: no light comes through black PETG
switch_at = [unit.x - 12, unit.y / 2];
switch_hole = [6.2, 13];        // a subminiature switch, lever up

$fn = 64;
eps = 0.01;

module at(place) { translate([wall + clearance + place.x, wall + clearance + place.y, 0]) children(); }

module nest() {
    difference() {
        cube([unit.x + 2 * (wall + clearance), unit.y + 2 * (wall + clearance), floor_ + unit.z * 0.7]);
        // The unit's bed.
        translate([wall, wall, floor_]) cube([unit.x + 2 * clearance, unit.y + 2 * clearance, unit.z]);
        // The lamp from below, and its cone.
        at(lamp_at) {
            translate([0, 0, -eps]) cylinder(d = lamp_hole, h = 9);
            translate([0, 0, 9 - 2 * eps]) cylinder(d1 = lamp_hole, d2 = window, h = floor_ - 9 + 3 * eps);
        }
        // The light pipe, straight through: it ends at the sensor below.
        at(led_at) translate([0, 0, -eps]) cylinder(d = pipe_hole, h = floor_ + 1);
        // The slit for the baffle's tongue, a second black part that touches the unit's face.
        at((lamp_at + led_at) / 2) translate([-baffle / 2, -12, 4]) cube([baffle, 24, floor_]);
        // The presence switch.
        at(switch_at) translate([-switch_hole.x / 2, -switch_hole.y / 2, -eps]) cube([switch_hole.x, switch_hole.y, floor_ + 1]);
        // A finger at each side lifts the unit.
        for (y = [0, unit.y + wall + 2 * clearance])
            translate([unit.x / 2 + wall, y - eps, floor_]) cube([22, wall + 2 * eps, unit.z], center = false);
    }

    // The baffle's tongue, printed beside the nest: as deep as its slit, and 0.6 mm over the floor, where a foam strip of 1 mm is pressed.
    translate([0, -20, 0]) cube([23.6, floor_ - 4 + 0.6, baffle - 0.2]);
}

// A box with its mouth down, over the nest's rim and on the table; drawn mouth up, as it is printed.
lid_high = 40;
module lid() {
    inner = [unit.x + 2 * (wall + clearance) + 2 * clearance, unit.y + 2 * (wall + clearance) + 2 * clearance];
    difference() {
        cube([inner.x + 2 * wall, inner.y + 2 * wall, lid_high]);
        translate([wall, wall, wall]) cube([inner.x, inner.y, lid_high]);
    }
}

if (part == "lid") lid(); else nest();
