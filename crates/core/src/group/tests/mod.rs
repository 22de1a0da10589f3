//! Tests of B13.

mod archive;
mod chain;
mod convergence;
mod fixture;
mod forks;
mod issue;
mod join;
mod messages;
mod state;
mod succession;

use super::{
    AccountKeys, Class, Evidence, Fork, GroupDraft, GroupEvent, GroupState, Lack, Listing, Role, Roster, StateError,
    StateRejected,
};
