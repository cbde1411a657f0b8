//! Manual pages and shell completions, from the definitions of the command lines.

use std::fs;
use std::path::Path;

use anyhow::Result;
use clap::{Command, CommandFactory as _};
use clap_complete::Shell;

/// Writes `*.1`, and one file of completions for each shell.
pub(crate) fn write(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    clap_mangen::generate_to(crate::args::Args::command().disable_help_subcommand(true), folder)?;
    clap_mangen::generate_to(crate::ctl_args::Cli::command().disable_help_subcommand(true), folder)?;
    let mut ctl: Command = crate::ctl_args::Cli::command();
    for (shell, name) in [(Shell::Bash, "belfryctl.bash"), (Shell::Zsh, "_belfryctl"), (Shell::Fish, "belfryctl.fish")]
    {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut ctl, "belfryctl", &mut script);
        fs::write(folder.join(name), script)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_and_every_shell_its_completions() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path()).unwrap();
        let text = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(text("belfry.1").contains("smoke"));
        assert!(text("belfryctl-policy.1").contains(".TH"));
        assert!(text("belfryctl.bash").contains("support-bundle") || text("belfryctl.bash").contains("doctor"));
        assert!(text("_belfryctl").starts_with("#compdef belfryctl"));
        assert!(text("belfryctl.fish").contains("complete -c belfryctl"));
    }
}
