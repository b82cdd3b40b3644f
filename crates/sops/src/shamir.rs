//! Shamir's secret sharing over the field of AES, byte by byte, as the Go program splits data keys: a part is the values
//! of the polynomials at a place, and the place as its last byte. Places count from 1 in the order of the groups.

use zeroize::Zeroizing;

use super::{Random, SecretsError};

/// A part of a secret.
pub(super) type Part = Zeroizing<Vec<u8>>;

/// Splits a secret into parts of which so many give it back. Both counts are below 256.
pub(super) fn split(
    secret: &[u8],
    parts: u8,
    threshold: u8,
    random: &mut Random<'_>,
) -> Result<Vec<Part>, SecretsError> {
    let degree = usize::from(threshold).saturating_sub(1);
    let mut coefficients = Zeroizing::new(vec![0; secret.len() * degree]);
    random(&mut coefficients).map_err(SecretsError::Random)?;
    let part = |place: u8| {
        let bytes = secret.iter().enumerate().map(|(at, byte)| {
            let polynomial = &coefficients[at * degree..(at + 1) * degree];
            polynomial.iter().rev().fold(0, |sum, coefficient| times(sum ^ coefficient, place)) ^ byte
        });
        Zeroizing::new(bytes.chain([place]).collect())
    };
    Ok((1..=parts).map(part).collect())
}

/// The secret that parts were split from; `None` where they do not belong together. Too few parts give another secret.
pub(super) fn combine(parts: &[Part]) -> Option<Part> {
    let places: Vec<u8> = parts.iter().map(|part| part.last().copied()).collect::<Option<_>>()?;
    let length = parts.first()?.len();
    let twice = places.iter().enumerate().any(|(at, place)| *place == 0 || places[..at].contains(place));
    if twice || parts.iter().any(|part| part.len() != length) {
        return None;
    }
    let weight = |at: usize| {
        let others = places.iter().enumerate().filter(|(other, _)| *other != at);
        others.fold(1, |product, (_, place)| times(product, times(*place, inverse(place ^ places[at]))))
    };
    let weights: Vec<u8> = (0..places.len()).map(weight).collect();
    let byte = |at: usize| parts.iter().zip(&weights).fold(0, |sum, (part, weight)| sum ^ times(part[at], *weight));
    Some(Zeroizing::new((0..length - 1).map(byte).collect()))
}

/// The product in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1, in a time that does not depend on the factors.
fn times(a: u8, b: u8) -> u8 {
    (0..8).rev().fold(0u8, |sum, bit| {
        let doubled = (sum << 1) ^ (0x1b & (sum >> 7).wrapping_neg());
        doubled ^ (a & (b >> bit & 1).wrapping_neg())
    })
}

/// The inverse of a number other than zero: its 254th power.
fn inverse(a: u8) -> u8 {
    let mut power = a;
    for _ in 0..6 {
        power = times(times(power, power), a);
    }
    times(power, power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_parts_up_to_the_threshold_give_the_secret_and_fewer_do_not() {
        let secret: Vec<u8> = (0..32).collect();
        let mut state = 7u8;
        let mut random = |bytes: &mut [u8]| {
            for byte in bytes {
                state = state.wrapping_mul(29).wrapping_add(83);
                *byte = state;
            }
            Ok(())
        };
        let parts = split(&secret, 4, 3, &mut random).unwrap();
        for skipped in 0..4 {
            let some: Vec<Part> = (0..4).filter(|at| *at != skipped).map(|at| parts[at].clone()).collect();
            assert_eq!(combine(&some).unwrap().as_slice(), secret);
            assert_ne!(combine(&some[1..]).unwrap().as_slice(), secret);
        }
        assert!(combine(&[parts[0].clone(), parts[0].clone()]).is_none());
    }

    #[test]
    fn each_number_times_its_inverse_is_one() {
        assert!((1..=255).all(|a| times(a, inverse(a)) == 1));
        assert_eq!(times(0x53, 0xca), 1, "the example of FIPS 197's field");
    }
}
