//! CRC-64 as OSS has it (`x-oss-hash-crc64ecma`): ECMA-182, reflected, all bits inverted before and after.

/// The polynomial, its bits reversed.
const POLYNOMIAL: u64 = 0xC96C_5795_D787_0F42;

const TABLE: [u64; 256] = table();

const fn table() -> [u64; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut value = index as u64;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { value >> 1 ^ POLYNOMIAL } else { value >> 1 };
            bit += 1;
        }
        table[index] = value;
        index += 1;
    }
    table
}

/// The checksum of what `before` is the checksum of, with `bytes` behind it. That of nothing is 0.
pub(crate) fn extend(before: u64, bytes: &[u8]) -> u64 {
    !bytes
        .iter()
        .fold(!before, |crc, byte| TABLE[usize::from(crc.to_le_bytes()[0] ^ byte)] ^ crc >> 8)
}

#[cfg(test)]
#[path = "crc64_tests.rs"]
mod tests;
