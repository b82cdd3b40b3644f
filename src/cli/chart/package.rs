//! `weft chart package`.

use std::path::PathBuf;

use clap::Args;

use crate::chart;
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, FileError, files, settings};
use crate::diagnostic::Failure;
use crate::keys::ask_unseen;
use crate::masked::Masked;
use crate::source;
use crate::source::charts;
use crate::tree::archive;

/// Pack a chart into an archive: the same bytes for the same files. Prints the archive's path.
#[derive(Debug, Args)]
pub(in crate::cli) struct PackageArgs {
    /// The chart's folder.
    chart: PathBuf,
    /// The folder to write it into.
    #[arg(long, short = 'd', value_name = "DIR", default_value = ".")]
    destination: PathBuf,
    /// A version in place of the one in `Chart.yaml`.
    #[arg(long, value_name = "VERSION")]
    version: Option<String>,
    /// A version of the application in place of the one in `Chart.yaml`.
    #[arg(long, value_name = "VERSION")]
    app_version: Option<String>,
    /// Sign it with a secret `OpenPGP` key of this file, and write the provenance file beside it.
    #[arg(long, value_name = "FILE")]
    sign: Option<PathBuf>,
    /// Sign with the key whose user id holds this; the first one where it is missing.
    #[arg(long, value_name = "TEXT", requires = "sign")]
    key: Option<String>,
    /// The file with the key's passphrase, which is asked for otherwise.
    #[arg(long, value_name = "FILE", requires = "sign")]
    passphrase_file: Option<PathBuf>,
}

pub(super) fn run(args: &PackageArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let (tree, folder) = source::folder_of(&settings::absolute(&args.chart))?;
    let packed = chart::packed(&tree, &folder, args.version.as_deref(), args.app_version.as_deref())?;
    let file = |source| FileError::Write { path: args.destination.clone(), source };
    let bytes = archive::pack(&packed.name, &packed.files).map_err(file)?;
    let path = args.destination.join(format!("{}-{}.tgz", packed.name, packed.version));
    let provenance = args.sign.as_ref().map(|keyring| {
        let passphrase = match &args.passphrase_file {
            Some(path) => Masked::new(files::read(path)?.trim_end_matches(['\n', '\r']).to_owned()),
            None => ask_unseen("Passphrase of the key (empty for none): ").unwrap_or_default(),
        };
        Ok::<_, Failure>(charts::sign(&bytes, &files::bytes(keyring)?, args.key.as_deref(), &passphrase)?)
    });
    let provenance = provenance.transpose()?;
    files::write(&path, &bytes)?;
    if let Some(text) = provenance {
        files::write(&path.with_extension("tgz.prov"), text)?;
    }
    terminal.print(&format!("{}\n", path.display()))?;
    terminal.say(&charts::digest(&bytes));
    Ok(Exit::Done)
}
