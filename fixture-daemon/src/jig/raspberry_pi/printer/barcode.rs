//! Code 128, set B (ISO/IEC 15417): printable ASCII.

/// Widths of bars and spaces in turn, of every symbol; the stop has seven, all others six of eleven modules together.
const SYMBOLS: [&str; 107] = [
    "212222", "222122", "222221", "121223", "121322", "131222", "122213", "122312", "132212", "221213", "221312",
    "231212", "112232", "122132", "122231", "113222", "123122", "123221", "223211", "221132", "221231", "213212",
    "223112", "312131", "311222", "321122", "321221", "312212", "322112", "322211", "212123", "212321", "232121",
    "111323", "131123", "131321", "112313", "132113", "132311", "211313", "231113", "231311", "112133", "112331",
    "132131", "113123", "113321", "133121", "313121", "211331", "231131", "213113", "213311", "213131", "311123",
    "311321", "331121", "312113", "312311", "332111", "314111", "221411", "431111", "111224", "111422", "121124",
    "121421", "141122", "141221", "112214", "112412", "122114", "122411", "142112", "142211", "241211", "221114",
    "413111", "241112", "134111", "111242", "121142", "121241", "114212", "124112", "124211", "411212", "421112",
    "421211", "212141", "214121", "412121", "111143", "111341", "131141", "114113", "114311", "411113", "411311",
    "113141", "114131", "311141", "411131", "211412", "211214", "211232", "2331112",
];

/// Begins set B.
const START_B: usize = 104;

/// Ends a code.
const STOP: usize = 106;

/// Modules of a code, `true` for a bar; `None` where a letter is not printable ASCII.
pub fn modules(text: &str) -> Option<Vec<bool>> {
    let values: Vec<usize> = text
        .bytes()
        .map(|byte| (32..127).contains(&byte).then(|| usize::from(byte - 32)))
        .collect::<Option<_>>()?;
    // The check: start and every value times its place, modulo 103.
    let sum: usize = values
        .iter()
        .enumerate()
        .map(|(place, value)| (place + 1) * value)
        .sum();
    let check = (START_B + sum) % 103;
    let mut modules = Vec::new();
    for symbol in [START_B].into_iter().chain(values).chain([check, STOP]) {
        for (place, width) in SYMBOLS.get(symbol)?.bytes().enumerate() {
            modules.extend(core::iter::repeat_n(place % 2 == 0, usize::from(width - b'0')));
        }
    }
    Some(modules)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_symbol_differs_and_has_its_width_and_an_even_number_of_dark_modules() {
        assert_eq!(SYMBOLS.iter().collect::<BTreeSet<_>>().len(), 107);
        for (value, symbol) in SYMBOLS.iter().enumerate() {
            let widths: Vec<u32> = symbol.bytes().map(|width| u32::from(width - b'0')).collect();
            let all: u32 = widths.iter().sum();
            let dark: u32 = widths.iter().step_by(2).sum();
            if value == STOP {
                assert_eq!((all, widths.len()), (13, 7));
            } else {
                assert_eq!((all, widths.len(), dark % 2), (11, 6, 0), "symbol {value}");
            }
        }
    }

    #[test]
    fn a_code_reads_back_as_its_text_with_the_right_check() {
        let modules = modules("PJJ123C").unwrap();
        let mut runs = Vec::new();
        for module in &modules {
            match runs.last_mut() {
                Some((dark, count)) if dark == module => *count += 1,
                _ => runs.push((*module, 1_u8)),
            }
        }
        let widths: String = runs.iter().map(|(_, count)| char::from(b'0' + count)).collect();
        let (symbols, stop) = widths.split_at(widths.len() - 7);
        assert_eq!(stop, SYMBOLS[STOP]);
        let values: Vec<usize> = (0..symbols.len() / 6)
            .map(|place| {
                let widths = &symbols[6 * place..6 * place + 6];
                SYMBOLS.iter().position(|symbol| *symbol == widths).unwrap()
            })
            .collect();
        assert_eq!(values[0], START_B);
        let text: String = values[1..values.len() - 1]
            .iter()
            .map(|value| char::from(u8::try_from(*value).unwrap() + 32))
            .collect();
        assert_eq!(text, "PJJ123C");
        // By hand: (104 + 48·1 + 42·2 + 42·3 + 17·4 + 18·5 + 19·6 + 35·7) mod 103 = 879 mod 103.
        assert_eq!(values.last(), Some(&55));
    }

    #[test]
    fn what_set_b_does_not_have_is_no_code() {
        assert_eq!(modules("ü"), None);
        assert_eq!(modules("a\tb"), None);
    }
}
