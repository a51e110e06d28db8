//! Addresses of pages.

use core::fmt::Write as _;

/// The address of a unit's page, whatever its serial holds.
pub fn unit(serial: &str) -> String {
    format!("/units/{}", quoted(serial))
}

/// Text as part of an address: everything but letters, digits and `-_.~` as percent codes (RFC 3986). A lone `.` or `..` would
/// be taken as a step in a path, so dots at the start are quoted as well.
pub fn quoted(text: &str) -> String {
    let dots = text.chars().all(|letter| letter == '.');
    let mut quoted = String::with_capacity(text.len());
    for byte in text.bytes() {
        let plain = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~') || (byte == b'.' && !dots);
        if plain {
            quoted.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _written = write!(quoted, "%{byte:02X}");
        }
    }
    quoted
}

/// The fields of a query (application/x-www-form-urlencoded): names and values, decoded. What is not UTF-8 becomes U+FFFD.
pub fn fields(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|field| !field.is_empty())
        .map(|field| {
            let (name, value) = field.split_once('=').unwrap_or((field, ""));
            (unquoted(name), unquoted(value))
        })
        .collect()
}

fn unquoted(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, after @ ..] = rest {
        rest = after;
        match (byte, after) {
            (b'+', _) => bytes.push(b' '),
            (b'%', [high, low, after @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                bytes.push(nibble(*high) << 4 | nibble(*low));
                rest = after;
            }
            _ => bytes.push(*byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A hex digit's value; 0 for anything else.
fn nibble(digit: u8) -> u8 {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_cannot_leave_its_place_in_an_address() {
        assert_eq!(unit("SN-1.2_3~4"), "/units/SN-1.2_3~4");
        assert_eq!(unit("../../x?y#z"), "/units/..%2F..%2Fx%3Fy%23z");
        assert_eq!(unit(".."), "/units/%2E%2E");
        assert_eq!(unit("é"), "/units/%C3%A9");
    }

    #[test]
    fn fields_are_decoded_and_broken_codes_stay_as_they_are() {
        let fields = fields("serial=a+b%2Fc&x&y=%zz%4&=1&&bad=%ff");
        let said: Vec<_> = fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(
            said,
            [
                ("serial", "a b/c"),
                ("x", ""),
                ("y", "%zz%4"),
                ("", "1"),
                ("bad", "\u{fffd}")
            ]
        );
    }

    #[test]
    fn any_serial_comes_back_out_of_its_address() {
        for serial in ["SN-1", "a b", "50%", "<b>\"'&#", "é漢", "..", "a+b"] {
            assert_eq!(unquoted(&quoted(serial)), serial);
        }
    }
}
