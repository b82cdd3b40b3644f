//! Decimal numbers of any size: what shopspring/decimal computes for `addf` and its kin.

use rsa::BigUint;

/// A number as digits and a power of ten.
#[derive(Clone, Debug)]
pub(super) struct Decimal {
    negative: bool,
    digits: BigUint,
    exponent: i32,
}

/// The decimal places of a quotient.
const PLACES: i32 = 16;

impl Decimal {
    /// The decimal number with the shortest digits that read back as this float; `None` of infinity and what is no
    /// number.
    pub fn of(number: f64) -> Option<Self> {
        if !number.is_finite() {
            return None;
        }
        let text = format!("{:e}", number.abs());
        let (mantissa, exponent) = text.split_once('e')?;
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = BigUint::parse_bytes(format!("{whole}{fraction}").as_bytes(), 10)?;
        let exponent = exponent.parse::<i32>().ok()? - i32::try_from(fraction.len()).ok()?;
        Some(Self { negative: number < 0.0, digits, exponent })
    }

    /// The sum.
    pub fn plus(&self, other: &Self) -> Self {
        let exponent = self.exponent.min(other.exponent);
        let one = self.digits_at(exponent);
        let two = other.digits_at(exponent);
        let (negative, digits) = match self.negative == other.negative {
            true => (self.negative, one + two),
            false if one >= two => (self.negative, one - two),
            false => (other.negative, two - one),
        };
        Self { negative, digits, exponent }
    }

    /// The difference.
    pub fn minus(&self, other: &Self) -> Self {
        self.plus(&Self { negative: !other.negative, ..other.clone() })
    }

    /// The product.
    pub fn times(&self, other: &Self) -> Self {
        let exponent = self.exponent + other.exponent;
        Self { negative: self.negative != other.negative, digits: &self.digits * &other.digits, exponent }
    }

    /// The quotient to 16 decimal places, rounded half away from zero; `None` of a division by 0.
    pub fn over(&self, other: &Self) -> Option<Self> {
        if other.digits == BigUint::from(0u8) {
            return None;
        }
        let shift = self.exponent - other.exponent + PLACES;
        let ten = |power: i32| power_of_ten(power.unsigned_abs());
        let (dividend, divisor) = if shift < 0 {
            (self.digits.clone(), &other.digits * ten(shift))
        } else {
            (&self.digits * ten(shift), other.digits.clone())
        };
        let quotient = &dividend / &divisor;
        let rest = &dividend % &divisor;
        let up = BigUint::from(u8::from(rest * 2u8 >= divisor));
        Some(Self { negative: self.negative != other.negative, digits: quotient + up, exponent: -PLACES })
    }

    /// The nearest float.
    pub fn to_float(&self) -> f64 {
        let text = format!("{}e{}", self.digits.to_str_radix(10), self.exponent);
        let size: f64 = text.parse().unwrap_or_default();
        if self.negative && size != 0.0 { -size } else { size }
    }

    /// The digits at a power that is not above its own.
    fn digits_at(&self, exponent: i32) -> BigUint {
        &self.digits * power_of_ten(self.exponent.abs_diff(exponent))
    }
}

fn power_of_ten(power: u32) -> BigUint {
    let mut out = BigUint::from(1u8);
    for _ in 0..power {
        out *= 10u8;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_arithmetic_is_exact() {
        let of = |number: f64| Decimal::of(number).unwrap();
        let shown = |number: Decimal| number.to_float().to_string();
        let a = of(0.1);
        let b = of(0.2);
        assert_eq!([shown(a.plus(&b)), shown(a.minus(&b)), shown(a.times(&b))], ["0.3", "-0.1", "0.02"]);
        assert_eq!(shown(of(10.0).over(&of(3.0)).unwrap()), "3.3333333333333335");
        assert!(a.over(&of(0.0)).is_none());
    }
}
