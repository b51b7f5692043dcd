//! Properties that hold for every log, under their textbook names. proptest prints the log that
//! breaks one, made as short as it can be, and keeps its seed for the next run.

mod determinism;
mod exactly_once;
mod history;
mod model;
mod ownership;
mod privacy;
mod reach;
mod refinement;
mod refusal;
mod retention;
mod script;
mod unread;
