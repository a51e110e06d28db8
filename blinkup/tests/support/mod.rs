//! Settings of every kind, for property tests.

use std::net::Ipv4Addr;
use std::num::NonZeroU16;

use blinkup::packet::{Credentials, Enrolment, Password, PlanId, Proxy, Settings, Ssid, StaticAddress, Token, Wifi};
use proptest::option;
use proptest::prelude::*;

/// Text of at most `most` bytes, cut at a character's end.
fn text(least: usize, most: usize) -> impl Strategy<Value = String> {
    prop_oneof!["\\PC{1,64}", "[ -~]{1,64}", "\\PC{0,4}"].prop_filter_map("too short", move |mut text| {
        while text.len() > most {
            text.pop();
        }
        (text.len() >= least).then_some(text)
    })
}

fn address() -> impl Strategy<Value = Ipv4Addr> {
    any::<u32>().prop_map(Ipv4Addr::from)
}

/// Settings that fit a packet.
pub fn settings() -> impl Strategy<Value = Settings> {
    let wifi = (text(1, 32), text(0, 64)).prop_map(|(ssid, password)| Wifi {
        ssid: Ssid::new(&ssid).unwrap(),
        password: Password::new(&password).unwrap(),
    });
    let fixed = (address(), address(), address(), address(), option::of(address())).prop_map(
        |(ip, netmask, gateway, dns1, dns2)| StaticAddress {
            ip,
            netmask,
            gateway,
            dns1,
            dns2,
        },
    );
    let proxy =
        (text(1, 40), 1_u16.., option::of((text(1, 20), text(0, 20)))).prop_map(|(server, port, credentials)| {
            let credentials = credentials.map(|(username, password)| Credentials::new(&username, &password).unwrap());
            Proxy::new(&server, NonZeroU16::new(port).unwrap(), credentials).unwrap()
        });
    let enrolment = any::<([u8; 8], [u8; 8])>().prop_map(|(plan_id, token)| Enrolment {
        plan_id: PlanId::from_bytes(plan_id),
        token: Token::from_bytes(token),
    });
    (
        option::of(wifi),
        option::of(fixed),
        option::of(proxy),
        option::of(enrolment),
    )
        .prop_map(|(wifi, address, proxy, enrolment)| Settings {
            wifi,
            address,
            proxy,
            enrolment,
        })
        .prop_filter("nothing to send", |settings| *settings != Settings::default())
}
