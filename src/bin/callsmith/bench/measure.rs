//! Times, from many short rounds in which every way has its turn.

use super::ways::{Case, Way};
use std::time::Instant;

/// How many calls a turn makes.
pub(super) const CALLS: u32 = 5_000;

/// What one way of a case costs.
pub(super) struct Cost {
    pub(super) way: Way,
    /// Nanoseconds a call, the median of all rounds.
    pub(super) ns: f64,
    /// The same in direct calls.
    pub(super) ratio: f64,
}

/// The costs of each case's ways, in the cases' order. What disturbs the machine for a while disturbs a few rounds of
/// all ways, and no median.
pub(super) fn costs(cases: &[Case], rounds: u32) -> Vec<Vec<Cost>> {
    let mut times: Vec<Vec<Vec<f64>>> =
        cases.iter().map(|case| case.ways.iter().map(|_| Vec::new()).collect()).collect();
    // The first round warms up.
    for round in 0..=rounds {
        for (case, times) in cases.iter().zip(&mut times) {
            for ((_, calls), times) in case.ways.iter().zip(times) {
                let start = Instant::now();
                calls(CALLS);
                let ns = start.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS);
                if round > 0 {
                    times.push(ns);
                }
            }
        }
    }
    cases.iter().zip(times).map(|(case, times)| of_case(case, times)).collect()
}

fn of_case(case: &Case, times: Vec<Vec<f64>>) -> Vec<Cost> {
    let medians: Vec<(Way, f64)> =
        case.ways.iter().zip(times).map(|((way, _), times)| (*way, median(times))).collect();
    let direct = medians.iter().find(|(way, _)| *way == Way::Direct).map_or(f64::NAN, |(_, ns)| *ns);
    medians.into_iter().map(|(way, ns)| Cost { way, ns, ratio: ns / direct }).collect()
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}
