//! Tests of B13.

mod archive;
mod bounds;
mod chain;
mod competing;
mod convergence;
mod fixture;
mod forks;
mod issue;
mod join;
mod messages;
mod practice;
mod state;
mod stored;
mod succession;
mod takeover;
mod way_out;

use super::{
    AccountKeys, Class, Evidence, Fork, GroupDraft, GroupEvent, GroupState, Lack, Listing, Role, Roster, StateError,
    StateRejected,
};
