//! The machine driven from outside. `ladder` is the driver; `menu`, `starts`, `dialling`, `notice`,
//! `decision`, `choosing`, `naming` and `outcome` are calls as ladders; `stages` breaks a
//! call at every stage; `random` feeds it anything.

mod choosing;
mod decision;
mod dialling;
mod ladder;
mod menu;
mod naming;
mod notice;
mod outcome;
mod random;
mod stages;
mod starts;
