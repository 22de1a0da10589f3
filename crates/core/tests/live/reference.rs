//! The reference in Python: one process holds one device and answers line by line (`docs/reference/LIVE.md`).

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

/// Where `cargo xtask` says which interpreter has what the reference needs.
const INTERPRETER: &str = "CAREVOW_REFERENCE_PYTHON";

/// `python -m module`, in the folder of the reference.
pub fn python(module: &str) -> Command {
    let interpreter = std::env::var_os(INTERPRETER);
    let interpreter = interpreter.unwrap_or_else(|| panic!("{INTERPRETER} is not set: run `cargo xtask reference`"));
    let mut command = Command::new(interpreter);
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference");
    command.args(["-m", module]).current_dir(folder).env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// A device of the reference.
pub struct Reference {
    process: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Reference {
    pub fn start() -> Self {
        let mut command = python("carevow_ref.live");
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (commands, answers) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        Self { process, commands, answers: BufReader::new(answers) }
    }

    /// The answer, or the name of the error.
    pub fn try_ask(&mut self, operation: &str, mut command: Value) -> Result<Value, String> {
        command["op"] = operation.into();
        writeln!(self.commands, "{command}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{operation}: {line:?}"));
        match answer.get("error") {
            Some(error) => Err(error.as_str().unwrap().to_owned()),
            None => Ok(answer),
        }
    }

    /// The answer to what must not be refused.
    pub fn ask(&mut self, operation: &str, command: Value) -> Value {
        self.try_ask(operation, command).unwrap_or_else(|error| panic!("{operation}: {error}"))
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        let _ = writeln!(self.commands, "{}", json!({ "op": "quit" }));
        let _ = self.process.wait();
    }
}

/// The bytes of a field in hex.
pub fn bytes(answer: &Value, field: &str) -> Vec<u8> {
    hex::decode(text(answer, field)).unwrap()
}

/// A field of text.
pub fn text<'a>(answer: &'a Value, field: &str) -> &'a str {
    answer[field].as_str().unwrap_or_else(|| panic!("no {field} in {answer}"))
}
