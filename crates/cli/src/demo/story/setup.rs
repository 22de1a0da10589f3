//! Keys, certificates, published prekeys: `docs/protocol.md` B2 and B3.

use super::prefix;
use crate::demo::error::DemoError;
use crate::demo::prekeys::ONE_TIME;
use crate::demo::world::{Who, World};

pub(super) fn tell(world: &mut World) -> Result<(), DemoError> {
    world.narrator.chapter("1. Three devices get ready")?;
    world.narrator.say(
        "A practice has the clinician's phone and a computer that files messages in its records. A patient has a \
         phone. Each device made its own keys; the private halves never leave it.",
    )?;
    world.narrator.say(
        "The service certified each device for one day, and each account signed the list of its own devices. The \
         service knows accounts as random numbers: no name, no telephone number, no record number.",
    )?;
    let published = 3 + 2 * ONE_TIME;
    world.narrator.say(&format!(
        "Each device left {published} signed public keys at the service, so that somebody can write to it while it is \
         switched off. They include ML-KEM keys, which a quantum computer is not known to break.",
    ))?;
    for who in Who::ALL {
        let device = world.device(who);
        let (address, manifest) = (device.address(), &device.manifest);
        let text = format!(
            "{}: account {}…, device {}, device list seq {} with {} device(s) in {} bytes, certificate {} bytes",
            who.name(),
            prefix(address.account.as_bytes()),
            address.device.as_u32(),
            manifest.seq(),
            manifest.devices().len(),
            manifest.to_signed().body.len(),
            device.certificates.device.body.len(),
        );
        world.narrator.bytes(&text)?;
    }
    Ok(())
}
