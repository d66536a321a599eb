//! Reads the corpus's files of tiny cases; `corpus/README.md` has the format. It is not the recorder, which also writes.

use std::collections::BTreeMap;

/// The Chart.yaml of a case that brings none.
const CHART_YAML: &[u8] = b"apiVersion: v2\nname: c\nversion: 0.1.0\n";

/// What Helm did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    /// What it printed, or the error's text.
    pub(crate) text: Vec<u8>,
    /// Whether it refused.
    pub(crate) failed: bool,
}

/// One case with both answers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Case {
    /// The file and the lines that make the case, for people and for the list of gaps.
    pub(crate) name: String,
    /// Whether the answer is what `helm template` prints, not what one template rendered to.
    pub(crate) is_whole: bool,
    /// The chart's files by path.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// Files beside the chart, for flags.
    pub(crate) beside: BTreeMap<String, Vec<u8>>,
    /// The arguments of the command.
    pub(crate) flags: Vec<String>,
    /// Helm 3's and Helm 4's answer.
    pub(crate) answers: [Answer; 2],
}

/// An input line: marker, path of a `b` line, text.
type Input = (String, String, Vec<u8>);

/// Reads all cases of a file. `family` is its path within the corpus.
pub(crate) fn parse(family: &str, text: &str) -> Vec<Case> {
    let mut shared: Vec<Input> = Vec::new();
    let mut is_whole = false;
    let mut cases = Vec::new();
    for block in text.split("\n\n").map(|block| block.trim_matches('\n')).filter(|block| !block.is_empty()) {
        match block.as_bytes()[0] {
            b'%' => is_whole |= block == "% manifests",
            b'#' => {}
            b'A'..=b'Z' => share(&mut shared, block),
            _ => cases.push(case(family, block, &shared, is_whole)),
        }
    }
    cases
}

/// A block of capital markers replaces the shared inputs of the same markers.
fn share(shared: &mut Vec<Input>, block: &str) {
    let lowered: Vec<String> = block.lines().map(|line| line[..1].to_lowercase() + &line[1..]).collect();
    let (inputs, _) = read_block(&lowered.join("\n"));
    shared.retain(|(marker, ..)| !inputs.iter().any(|(new, ..)| new == marker));
    shared.extend(inputs);
}

fn case(family: &str, block: &str, shared: &[Input], is_whole: bool) -> Case {
    let (inputs, answers) = read_block(block);
    let is_answer = |line: &&str| line.trim_start_matches(['3', '4']).starts_with(['=', '!']);
    let lines: Vec<&str> = block.lines().filter(|line| !is_answer(line)).collect();
    let name = format!("{family}: {}", lines.join(" ⏎ "));
    let mut case = Case { name, is_whole, answers, ..Case::default() };
    case.files.insert("Chart.yaml".to_owned(), CHART_YAML.to_vec());
    for (marker, path, text) in shared.iter().chain(&inputs) {
        case.add(marker, path, text);
    }
    case
}

impl Case {
    fn add(&mut self, marker: &str, path: &str, text: &[u8]) {
        let path = match marker {
            "e" | "t" => "templates/t",
            "f" => "templates/_h",
            "v" => "values.yaml",
            "b" => path,
            "u" => {
                self.beside.insert("u.yaml".to_owned(), text.to_vec());
                self.flags.splice(0..0, ["-f".to_owned(), "u.yaml".to_owned()]);
                return;
            }
            _ => {
                let line = String::from_utf8_lossy(text).into_owned();
                let (flag, value) =
                    line.split_once(' ').map_or((&*line, None), |(flag, value)| (flag, Some(value)));
                self.flags.push(flag.to_owned());
                self.flags.extend(value.map(str::to_owned));
                return;
            }
        };
        let content = if marker == "e" { [b"{{ ", text, b" }}"].concat() } else { text.to_vec() };
        self.files.insert(path.to_owned(), content);
    }
}

fn read_block(block: &str) -> (Vec<Input>, [Answer; 2]) {
    let mut inputs: Vec<Input> = Vec::new();
    let mut answers: [Option<Answer>; 2] = [None, None];
    let mut path = String::new();
    let mut is_new_file = false;
    for line in block.lines() {
        let (marker, text) = split_line(line);
        if marker.ends_with(['=', '!']) {
            for (answer, other) in answers.iter_mut().zip(["4", "3"]) {
                if !marker.starts_with(other) {
                    add_answer(answer, &text, marker.ends_with('!'));
                }
            }
        } else if marker == "@" {
            path = String::from_utf8_lossy(&text).into_owned();
            inputs.push(("b".to_owned(), path.clone(), Vec::new()));
            is_new_file = true;
        } else {
            let place = match marker {
                "b" if path.is_empty() => "b",
                "b" => &path,
                _ => "",
            };
            match inputs.last_mut().filter(|last| last.0 == marker && last.1 == place && marker != "s") {
                Some(last) => {
                    if !is_new_file {
                        last.2.push(b'\n');
                    }
                    last.2.extend(&text);
                }
                None => inputs.push((marker.to_owned(), place.to_owned(), text)),
            }
            is_new_file = false;
        }
    }
    (inputs, answers.map(Option::unwrap_or_default))
}

fn add_answer(answer: &mut Option<Answer>, text: &[u8], failed: bool) {
    match answer {
        Some(answer) => {
            answer.text.push(b'\n');
            answer.text.extend(text);
        }
        None => *answer = Some(Answer { text: text.to_vec(), failed }),
    }
}

fn split_line(line: &str) -> (&str, Vec<u8>) {
    let Some(end) = line.find([' ', '"']) else {
        return (line, Vec::new());
    };
    let (marker, rest) = line.split_at(end);
    if let Some(text) = rest.strip_prefix(' ') {
        return (marker, text.as_bytes().to_vec());
    }
    (marker, unquote(&rest.as_bytes()[1..rest.len() - 1]))
}

fn unquote(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        if *byte != b'\\' {
            bytes.push(*byte);
            continue;
        }
        bytes.push(match rest.next() {
            Some(b't') => b'\t',
            Some(b'r') => b'\r',
            Some(b'n') => b'\n',
            Some(b'x') => {
                let digits: String = rest.by_ref().take(2).map(|digit| char::from(*digit)).collect();
                u8::from_str_radix(&digits, 16).expect("two hexadecimal digits after \\x")
            }
            Some(other) => *other,
            None => panic!("a quoted line of the corpus ends in a backslash"),
        });
    }
    bytes
}
