//! The story, chapter by chapter.

mod attachment;
mod conversation;
mod first_contact;
mod healing;
mod network;
mod operator;
mod setup;

pub use attachment::Attached;

use super::error::DemoError;
use super::world::World;

/// Tells all of it.
pub fn tell(world: &mut World, attached: &Attached) -> Result<(), DemoError> {
    setup::tell(world)?;
    first_contact::tell(world)?;
    conversation::tell(world)?;
    network::tell(world)?;
    healing::tell(world)?;
    attachment::tell(world, attached)?;
    operator::tell(world)
}

/// The first four bytes in hexadecimal: of public values only.
fn prefix(public: &[u8]) -> String {
    public.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}
