//! Primes drawn from the seeded source. Own arithmetic over big integers, so that a seed keeps giving the same keys
//! whatever library releases bring. The keys are made for rendering and are not protected against timing.

use num_bigint::BigUint;

use crate::context::Context;
use crate::error::CallError;

/// Primes below this divide candidates out before they are tested.
const SIEVE_LIMIT: u32 = 4_000;

/// How far from its random start a prime is looked for.
const SEARCH_SPAN: u32 = 1 << 14;

/// The bases of the Miller-Rabin test. For random candidates of 256 bits and more, an error is out of reach.
const BASES: [u32; 12] = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37];

/// What testing one candidate costs, by its bits: about as much as so many steps of a render, so that the default
/// limit allows some thirty keys of 4,096 bits or hundreds of 2,048.
fn test_cost(bits: u64) -> u64 {
    (bits / 64).pow(3) * 2 + 1
}

/// Draws so many bits.
pub(super) fn bits(context: &mut Context<'_>, count: u64) -> BigUint {
    let mut bytes = vec![0; usize::try_from(count.div_ceil(8)).unwrap_or(0)];
    context.random_bytes(&mut bytes);
    BigUint::from_bytes_be(&bytes) >> (bytes.len() as u64 * 8 - count)
}

/// Draws a prime of so many bits, the two highest set, so that a product of two has twice as many.
pub(super) fn prime(context: &mut Context<'_>, count: u64) -> Result<BigUint, CallError> {
    let small = small_primes();
    loop {
        let mut start = bits(context, count);
        start.set_bit(count - 1, true);
        start.set_bit(count - 2, true);
        start.set_bit(0, true);
        if let Some(found) = search(context, &start, &small)?
            && found.bits() == count
        {
            return Ok(found);
        }
    }
}

fn search(context: &mut Context<'_>, start: &BigUint, small: &[u32]) -> Result<Option<BigUint>, CallError> {
    let rests: Vec<u32> = small.iter().map(|p| rest(start, *p)).collect();
    for step in (0..SEARCH_SPAN).step_by(2) {
        if rests.iter().zip(small).any(|(rest, p)| (rest + step) % p == 0) {
            continue;
        }
        context.charge(test_cost(start.bits()))?;
        let candidate = start + step;
        if is_prime(&candidate) {
            return Ok(Some(candidate));
        }
    }
    Ok(None)
}

fn rest(number: &BigUint, divisor: u32) -> u32 {
    u32::try_from(number % divisor).unwrap_or(0)
}

fn small_primes() -> Vec<u32> {
    (3..SIEVE_LIMIT).step_by(2).filter(|n| (3..=n.isqrt()).step_by(2).all(|d| n % d != 0)).collect()
}

/// Says whether an odd number without small factors is prime.
pub(super) fn is_prime(number: &BigUint) -> bool {
    let one = BigUint::from(1_u32);
    let before = number - &one;
    let twos = before.trailing_zeros().unwrap_or(0);
    let odd = &before >> twos;
    BASES.iter().all(|base| {
        let mut power = BigUint::from(*base).modpow(&odd, number);
        if power == one || power == before {
            return true;
        }
        for _ in 1..twos {
            power = &power * &power % number;
            if power == before {
                return true;
            }
        }
        false
    })
}
