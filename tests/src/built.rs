//! Examples of the workspace, built for a test that runs them.

use std::path::PathBuf;
use std::process::Command;

use crate::{Failure, Outcome, ensure, workspace};

/// The folder of the examples in the profile of the running test, with this one up to date.
///
/// It is built of the whole workspace, as the test was: a package alone would have its dependencies
/// with other features, and so all of them anew.
pub fn with_example(name: &str) -> Outcome<PathBuf> {
    let here = std::env::current_exe()?;
    let profile = here.ancestors().nth(2).ok_or_else(|| Failure::new("no profile"))?;
    let target = profile.parent().ok_or_else(|| Failure::new("no target folder"))?;
    let built = Command::new(env!("CARGO"))
        .args(["build", "-q", "--workspace", "--example", name, "--target-dir"])
        .arg(target)
        .args(profile.ends_with("release").then_some("--release"))
        .current_dir(workspace())
        .status()?;
    ensure(built.success(), || format!("the example {name} does not build"))?;
    Ok(profile.join("examples"))
}
