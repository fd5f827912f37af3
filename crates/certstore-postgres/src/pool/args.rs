//! The parameters of a statement: bound, or written into it where nothing can be prepared.

use std::fmt::Write as _;

use sqlx::postgres::{PgArguments, PgTypeInfo};
use sqlx::{Arguments as _, Postgres, Type};

/// One parameter, `$1` and on.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Arg<'a> {
    /// `text`.
    Text(&'a str),
    /// `bytea`.
    Bytes(&'a [u8]),
    /// `bigint`.
    Int(i64),
    /// `boolean`.
    Bool(bool),
    /// `text[]`.
    Texts(&'a [&'a str]),
    /// `bytea[]`.
    ByteStrings(&'a [&'a [u8]]),
}

/// The parameters as the driver binds them.
pub(super) fn bound(args: &[Arg<'_>]) -> Result<PgArguments, sqlx::Error> {
    let mut bound = PgArguments::default();
    for arg in args {
        match *arg {
            Arg::Text(text) => bound.add(text),
            Arg::Bytes(bytes) => bound.add(bytes),
            Arg::Int(number) => bound.add(number),
            Arg::Bool(truth) => bound.add(truth),
            Arg::Texts(texts) => bound.add(texts),
            Arg::ByteStrings(values) => bound.add(values),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(bound)
}

/// The types of the parameters, as [`bound`] gives them.
pub(super) fn types(args: &[Arg<'_>]) -> Vec<PgTypeInfo> {
    let of = |arg: &Arg<'_>| match arg {
        Arg::Text(_) => <str as Type<Postgres>>::type_info(),
        Arg::Bytes(_) => <[u8] as Type<Postgres>>::type_info(),
        Arg::Int(_) => <i64 as Type<Postgres>>::type_info(),
        Arg::Bool(_) => <bool as Type<Postgres>>::type_info(),
        Arg::Texts(_) => <[&str] as Type<Postgres>>::type_info(),
        Arg::ByteStrings(_) => <[&[u8]] as Type<Postgres>>::type_info(),
    };
    args.iter().map(of).collect()
}

/// The statement with its parameters in place, as constants of hexadecimal digits: nothing in them can end a constant.
pub(super) fn written(sql: &str, args: &[Arg<'_>]) -> String {
    let mut text = String::with_capacity(sql.len() + 64);
    let mut rest = sql;
    while let Some(at) = rest.find('$') {
        text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let arg = rest[..digits].parse::<usize>().ok().and_then(|n| args.get(n.checked_sub(1)?));
        match arg {
            Some(arg) => {
                constant(&mut text, arg);
                rest = &rest[digits..];
            }
            None => text.push('$'),
        }
    }
    text.push_str(rest);
    text
}

fn constant(text: &mut String, arg: &Arg<'_>) {
    match *arg {
        Arg::Text(value) => characters(text, value),
        Arg::Bytes(value) => bytes(text, value),
        // Writing to a String cannot fail.
        Arg::Int(value) => drop(write!(text, "({value}::bigint)")),
        Arg::Bool(value) => text.push_str(if value { "TRUE" } else { "FALSE" }),
        Arg::Texts(values) => {
            list(text, values, |text, value| characters(text, value));
            text.push_str("::text[]");
        }
        Arg::ByteStrings(values) => {
            list(text, values, |text, value| bytes(text, value));
            text.push_str("::bytea[]");
        }
    }
}

fn list<T>(text: &mut String, values: &[T], one: impl Fn(&mut String, &T)) {
    text.push_str("ARRAY[");
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        one(text, value);
    }
    text.push(']');
}

fn characters(text: &mut String, value: &str) {
    text.push_str("convert_from(");
    bytes(text, value.as_bytes());
    text.push_str(",'UTF8')");
}

fn bytes(text: &mut String, value: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    text.reserve(value.len() * 2 + 16);
    text.push_str("decode('");
    for byte in value {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text.push_str("','hex')");
}

#[cfg(test)]
#[path = "args_tests.rs"]
mod tests;
