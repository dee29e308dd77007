// SOLUTION ONLY
//! What confines a submission while it is built and while it runs.

use super::record::{Confinement, Tier};

/// A confinement that this machine can give; made once a run and never weaker than asked for.
pub struct Sandbox {
    confinement: Confinement,
}

impl Sandbox {
    /// The best there is, or the tier asked for; `None` is only ever given by name.
    pub fn choose(asked: Option<Tier>) -> Result<Self, String> {
        match asked {
            Some(Tier::None) => Ok(Sandbox {
                confinement: Confinement { tier: Tier::None, in_force: Vec::new(), lacking: Vec::new() },
            }),
            _ => Err("this machine cannot confine a program; `--sandbox none` judges without, \
                      for programs that you trust"
                .to_owned()),
        }
    }

    /// What was in force, for the record.
    pub fn confinement(&self) -> &Confinement {
        &self.confinement
    }
}
