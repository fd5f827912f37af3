//! `https-get ADDRESS ROOT NAME`: what a site answers to a client that trusts the certificate in the file `ROOT` alone.

#![expect(clippy::print_stdout, reason = "it is what the program is for")]

use std::error::Error;

use certstore_conformance::servers::https_get;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, root, name] = &*arguments else {
        return Err("usage: https-get ADDRESS:PORT ROOT.crt NAME".into());
    };
    print!("{}", https_get(address.parse()?, &std::fs::read(root)?, name, "/")?);
    Ok(())
}
