//! See the table of `carevow_fuzz`.
#![cfg_attr(fuzzing, no_main)]
carevow_fuzz::target!("placement_state");
