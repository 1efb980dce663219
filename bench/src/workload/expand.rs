//! Templates with places for drawn words and numbers.

use std::fmt::Write;

use crate::random::Random;

/// English words, the frequent first: the n-th is drawn about as often as 1/n.
const WORDS: &str = "the of and to a in is it that was for on as with be at by he from his are this but not have had which \
    they or one you were all her she there would their we him been has when who will no more if out so up said what its \
    about than into them can only other time new some could these two may first then do any like my now over such our man \
    me even most made after also did many off before must well back through years much where your way down should because \
    long each just state those people too mr how little good world make very year still see own work men day get here \
    between both being under three never know same last another while us might great go come since against right came take \
    used himself few house use place during high without again home around small however found part school once general say \
    upon war every don does got united left number course until always away something fact water though less public put \
    think almost hand enough far took head yet government system better set told nothing night end why called eyes find \
    going look asked later knew point next program city business give group toward young let days room president side \
    social given present several order national possible rather second face per among form important often things looked \
    early white case john big become large need four within felt along children saw best church ever least power development \
    light thing seemed family interest want members mind country area others turned although open god service certain kind \
    problem began different door thus help sense means whole matter password token account secret server customer invoice \
    request session payment address machine network release support update version window market report contract schedule";

/// Expands a template: `%w` a word, `%W` one with a capital, `%s` some words, `%n` a number, `%d` two digits, `%h` eight hex
/// digits, `%H` thirty-two, `%a` letters and digits, `%i` an address, `%t` a time, `%%` a percent sign.
pub(super) fn expand(template: &str, random: &mut Random, out: &mut String) {
    let mut chars = template.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('w') => out.push_str(word(random)),
            Some('W') => push_capital(random, out),
            Some('s') => push_words(4 + random.below(12), random, out),
            Some('n') => {
                let digits = 1 + random.below(6);
                push(out, format_args!("{}", random.below(10u32.pow(digits))));
            }
            Some('d') => push(out, format_args!("{:02}", random.below(60))),
            Some('h') => push_from(b"0123456789abcdef", 8, random, out),
            Some('H') => push_from(b"0123456789abcdef", 32, random, out),
            Some('a') => push_from(
                b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
                6 + random.below(18),
                random,
                out,
            ),
            Some('i') => {
                push(
                    out,
                    format_args!("10.{}.{}.{}", random.below(64), random.below(256), random.below(256)),
                );
            }
            Some('t') => push(
                out,
                format_args!(
                    "2024-{:02}-{:02}T{:02}:{:02}:{:02}",
                    1 + random.below(12),
                    1 + random.below(28),
                    random.below(24),
                    random.below(60),
                    random.below(60)
                ),
            ),
            other => out.extend(other),
        }
    }
}

fn push(out: &mut String, what: std::fmt::Arguments<'_>) {
    out.write_fmt(what).expect("a string takes everything");
}

fn word(random: &mut Random) -> &'static str {
    static LIST: std::sync::LazyLock<Vec<&str>> =
        std::sync::LazyLock::new(|| WORDS.split_whitespace().collect());
    // Two draws, the smaller of them bounding a third, fall off about as 1/n does.
    let bound = 1 + random.below(LIST.len() as u32);
    LIST[random.below(bound) as usize]
}

fn push_capital(random: &mut Random, out: &mut String) {
    let word = word(random);
    out.push_str(&word[..1].to_uppercase());
    out.push_str(&word[1..]);
}

fn push_words(count: u32, random: &mut Random, out: &mut String) {
    for index in 0..count {
        if index > 0 {
            out.push_str(if random.below(9) == 0 { ", " } else { " " });
        }
        out.push_str(word(random));
    }
}

fn push_from(alphabet: &[u8], count: u32, random: &mut Random, out: &mut String) {
    out.extend((0..count).map(|_| char::from(alphabet[random.below(alphabet.len() as u32) as usize])));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_filled() {
        let mut out = String::new();
        expand("[%w][%W][%s][%n][%d][%h][%H][%a][%i][%t]%%", &mut Random::new(3), &mut out);
        assert!(!out.contains("[]") && out.matches('%').count() == 1, "{out}");
        assert_eq!(out.matches('[').count(), 10);
    }
}
