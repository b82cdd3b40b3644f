//! `SOPS_AGE_KEY_CMD` and its kin: a program that prints identities.

use std::process::{Command, Stdio};

use zeroize::Zeroizing;

use super::KeysError;

/// What the program with arguments of a variable prints. There is no shell: words are split at spaces outside of quotes. What it writes
/// to its standard error goes to ours, so that it can ask for something.
pub(super) fn output(variable: &str, command: &str) -> Result<Zeroizing<Vec<u8>>, KeysError> {
    let words = words(command).filter(|words| !words.is_empty());
    let words = words.ok_or_else(|| KeysError::Words { variable: variable.to_owned() })?;
    let program = &words[0];
    let arguments = &words[1..];
    let ran = Command::new(program).args(arguments).stdin(Stdio::inherit()).stderr(Stdio::inherit()).output();
    let ran =
        ran.map_err(|source| KeysError::Start { program: program.clone(), variable: variable.to_owned(), source })?;
    let printed = Zeroizing::new(ran.stdout);
    if !ran.status.success() {
        let program = program.clone();
        let variable = variable.to_owned();
        return Err(KeysError::Program { program, variable, status: ran.status });
    }
    Ok(printed)
}

/// The words of a command: `'...'` holds everything, `"..."` and bare words take a backslash before a character.
fn words(command: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word = None::<String>;
    let mut quote = None;
    let mut letters = command.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => word.get_or_insert_default().push(letters.next()?),
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_outside_of_quotes() {
        let split = |text| words(text).unwrap();
        assert_eq!(
            split(r#"op read 'op://a b/c' "x \" y" z\ z ''"#),
            ["op", "read", "op://a b/c", "x \" y", "z z", ""]
        );
        assert_eq!(words("a 'b"), None);
        assert_eq!(split("  "), [] as [&str; 0]);
    }
}
