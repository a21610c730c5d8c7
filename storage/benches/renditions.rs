//! Makes renditions of the files that are named on the standard input, one a line, and says of each on one line what
//! came of it: width, height and bytes of the display rendition, milliseconds. `compare.py` drives it beside other
//! programs that do the same. With an argument that is a folder, the renditions are left there.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use suishoupai_storage::picture::{Limits, inspect, let_freed_memory_stay, render};

fn main() -> io::Result<()> {
    // As the server does.
    let_freed_memory_stay();
    let folder = std::env::args_os().skip(1).map(PathBuf::from).find(|path| path.is_dir());
    let mut out = io::stdout();
    for line in io::stdin().lines() {
        let answer = one(Path::new(line?.trim()), folder.as_deref())?;
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

fn one(path: &Path, folder: Option<&Path>) -> io::Result<String> {
    let bytes = std::fs::read(path)?;
    let begun = Instant::now();
    let limits = Limits::default();
    let made = inspect(&bytes, &limits).and_then(|inspected| render(&bytes, &inspected, &limits));
    let took = begun.elapsed().as_secs_f64() * 1000.0;
    let made = match made {
        Ok(made) => made,
        Err(refused) => return Ok(format!("refused: {refused}")),
    };
    if let (Some(folder), Some(name)) = (folder, path.file_stem().and_then(|name| name.to_str())) {
        std::fs::write(folder.join(format!("{name}.display.jpg")), &made.display)?;
        std::fs::write(folder.join(format!("{name}.thumbnail.jpg")), &made.thumbnail)?;
    }
    let (width, height) = made.display_size;
    Ok(format!("{width} {height} {} {took:.1}", made.display.len()))
}
