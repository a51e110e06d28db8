//! What must hold for any bytes as a form: run by the fuzz target, and over its corpus by the tests.

use crate::link::{fields, quoted};

/// Whatever its fields are, an address that is made of them has the same again, and nothing in it that breaks out of an address.
pub fn form(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let read = fields(&text);
    assert!(read.len() <= text.matches('&').count() + 1);
    let written: Vec<String> = read
        .iter()
        .map(|(name, value)| format!("{}={}", quoted(name), quoted(value)))
        .collect();
    let written = written.join("&");
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~%=&".contains(&byte);
    assert!(written.bytes().all(plain), "{written}");
    assert_eq!(fields(&written), read, "{written}");
}
