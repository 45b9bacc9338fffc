//! `encke log`: looks at a log on disk, or carries it elsewhere.

use std::{
    fmt,
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, IsTerminal, Read, Write},
    path::Path,
};

use bytesize::ByteSize;
use encke_core::Selector;
use encke_disk::tool::{Archive, Import, ImportError, Info};
use encke_wire::{parse_record, time_text, write_record};

use crate::cli::{Exit, ExportArgs, ImportArgs, LogCommand};

/// The longest line that is imported, in bytes. No message is nearly as large.
const LINE_BYTES: u64 = 256 << 20;

/// Why a command ended otherwise than it should.
struct Failure {
    what: String,
    exit: Exit,
}

impl<E: fmt::Display> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { what: error.to_string(), exit: Exit::Failure }
    }
}

/// Does what the command says. It reads and writes files, and does not return before it is done.
pub(crate) fn run(command: &LogCommand) -> Exit {
    let done = match command {
        LogCommand::Info { dir } => info(dir),
        LogCommand::Verify { dir } => verify(dir),
        LogCommand::Export(args) => export(args),
        LogCommand::Import(args) => import(args),
    };
    done.unwrap_or_else(|Failure { what, exit }| {
        eprintln!("error: {what}");
        exit
    })
}

fn info(dir: &Path) -> Result<Exit, Failure> {
    let Info { format, head, time, channels, tombstones, messages, bytes, keys, file_bytes, is_clean } =
        Archive::open(dir)?.info()?;
    let time = if head.seq == 0 { "-".to_owned() } else { time_text(time) };
    let end = if is_clean { "clean" } else { "not clean: it was killed, or the machine was" };
    let text = format!(
        "format    {format}\nepoch     {}\nhead      {head}\ntime      {time}\nchannels  {channels} ({tombstones} \
         without messages)\nmessages  {messages} (one for each of their channels)\nbytes     {}\nkeys      \
         {keys}\nfile      {}\nend       {end}\n",
        head.epoch,
        ByteSize::b(bytes).display().iec(),
        ByteSize::b(file_bytes).display().iec(),
    );
    print(io::stdout().write_all(text.as_bytes()))
}

fn verify(dir: &Path) -> Result<Exit, Failure> {
    let mut archive = Archive::open(dir)?;
    let shows = io::stderr().is_terminal();
    let verified = archive.verify(|done, all| {
        if shows {
            eprint!("\r{done} of {all} messages");
        }
    })?;
    if shows {
        eprintln!();
    }
    if verified.is_sound() {
        return print(writeln!(io::stdout(), "{} messages: all is well", verified.messages));
    }
    for wrong in &verified.wrong {
        eprintln!("{wrong}");
    }
    if verified.untold > 0 {
        eprintln!("and {} more", verified.untold);
    }
    Err(format!("{} is damaged", dir.display()).into())
}

fn export(args: &ExportArgs) -> Result<Exit, Failure> {
    let selector = args.channel.as_deref().map(Selector::new).transpose();
    let selector =
        selector.map_err(|error| Failure { what: format!("--channel: {error}"), exit: Exit::Usage })?;
    let archive = Archive::open(&args.dir)?;
    let epoch = archive.info()?.head.epoch;
    let mut out = BufWriter::new(io::stdout().lock());
    let mut line = Vec::new();
    for record in archive.records(selector.as_ref())? {
        line.clear();
        write_record(&record?, epoch, &mut line);
        line.push(b'\n');
        if let Err(error) = out.write_all(&line) {
            return print(Err(error));
        }
    }
    print(out.flush())
}

fn import(args: &ImportArgs) -> Result<Exit, Failure> {
    let name = args.file.display();
    let input: Box<dyn BufRead> = if args.file == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        let file = File::open(&args.file).map_err(|error| format!("{name}: {error}"))?;
        Box::new(BufReader::new(file))
    };
    let mut import = Import::begin(&args.dir)?;
    let count = lines(input, |number, line| {
        let record = parse_record(line).map_err(|error| format!("{name}, line {number}: {error}"))?;
        import.add(&record).map_err(|error| match error {
            ImportError::Disk(error) => error.to_string(),
            error => format!("{name}, line {number}: {error}"),
        })
    });
    let count = count.map_err(|error| match error {
        LineError::Read(error) => format!("{name}: {error}"),
        LineError::TooLong(line) => format!("{name}, line {line}: more than {LINE_BYTES} bytes"),
        LineError::Said(what) => what,
    })?;
    let head = import.finish()?;
    print(writeln!(io::stdout(), "{count} messages; the head is {head}"))
}

enum LineError {
    Read(io::Error),
    TooLong(usize),
    Said(String),
}

/// Gives each line that is not empty to `take`, with its number from 1; returns how many there were.
fn lines(
    mut input: impl BufRead,
    mut take: impl FnMut(usize, &str) -> Result<(), String>,
) -> Result<usize, LineError> {
    let mut line = String::new();
    let mut count = 0;
    for number in 1.. {
        line.clear();
        if input.by_ref().take(LINE_BYTES).read_line(&mut line).map_err(LineError::Read)? == 0 {
            break;
        }
        if line.len() as u64 == LINE_BYTES {
            return Err(LineError::TooLong(number));
        }
        if !line.trim().is_empty() {
            take(number, line.trim()).map_err(LineError::Said)?;
            count += 1;
        }
    }
    Ok(count)
}

/// A reader that has seen enough is no failure.
fn print(written: io::Result<()>) -> Result<Exit, Failure> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(Exit::Success),
    }
}
