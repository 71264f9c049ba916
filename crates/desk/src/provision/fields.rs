//! One table of the TOML file: its keys are asked for one by one, and what nobody asked for is a
//! problem.

use super::{limits::TEXT_CHARS_MAX, problem::Problems, source::Source, word::meant};
use model::Money;
use std::ops::{Range, RangeInclusive};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// A table being read.
pub(super) struct Fields<'a, 'p> {
    source: &'a Source,
    table: &'a DeTable<'a>,
    /// Where the table stands, for what is missing from it.
    at: Range<usize>,
    /// What the table is, such as `facility`.
    what: &'static str,
    problems: &'p mut Problems,
    asked: Vec<&'static str>,
}

impl<'a, 'p> Fields<'a, 'p> {
    pub(super) fn new(
        source: &'a Source,
        table: &'a DeTable<'a>,
        at: Range<usize>,
        what: &'static str,
        problems: &'p mut Problems,
    ) -> Self {
        Self { source, table, at, what, problems, asked: Vec::new() }
    }

    /// Says that the keys that were not asked for are unknown.
    pub(super) fn finish(self) {
        for (key, _) in self.table {
            let name = key.get_ref();
            if !self.asked.iter().any(|asked| asked == name) {
                let meant = meant(name, self.asked.iter().copied());
                let reason = format!("`{name}` is not a key of `{}`{meant}", self.what);
                self.problems.add(self.source.problem(&key.span(), reason));
            }
        }
    }

    pub(super) fn source(&self) -> &'a Source {
        self.source
    }

    /// A problem of the table as a whole.
    pub(super) fn wrong(&mut self, reason: impl Into<String>) {
        self.problems.add(self.source.problem(&self.at, reason));
    }

    /// A problem of one key's value.
    pub(super) fn wrong_at(&mut self, key: &'static str, reason: impl Into<String>) {
        let at = self.table.get(key).map_or_else(|| self.at.clone(), Spanned::span);
        self.problems.add(self.source.problem(&at, reason));
    }

    /// The line on which the table begins.
    pub(super) fn line(&self) -> u64 {
        self.source.line(self.at.start)
    }

    /// The value of a key, if it is there.
    pub(super) fn value(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.asked.push(key);
        self.table.get(key)
    }

    /// Says that a key is missing.
    pub(super) fn missing(&mut self, key: &'static str, example: &str) {
        self.wrong(format!("`{}` lacks `{key}`; write for example `{key} = {example}`", self.what));
    }

    /// A text, trimmed.
    pub(super) fn text(&mut self, key: &'static str) -> Option<&'a str> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::String(text) if text.chars().count() <= TEXT_CHARS_MAX => Some(text.trim()),
            DeValue::String(_) => {
                self.wrong_at(key, format!("`{key}` is longer than {TEXT_CHARS_MAX} characters"));
                None
            }
            DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => {
                self.wrong_at(key, format!("`{key}` must be text in double quotes"));
                None
            }
        }
    }

    /// A text that must be there.
    pub(super) fn need(&mut self, key: &'static str, example: &str) -> Option<&'a str> {
        if !self.table.contains_key(key) {
            self.asked.push(key);
            self.missing(key, &format!("\"{example}\""));
            return None;
        }
        self.text(key)
    }

    /// A text that must be there and pass `check`.
    pub(super) fn need_checked<T>(
        &mut self,
        key: &'static str,
        example: &str,
        check: impl FnOnce(&'a str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.need(key, example)?;
        check(text).map_err(|reason| self.wrong_at(key, format!("`{key}`: {reason}"))).ok()
    }

    /// One of some words.
    pub(super) fn choice<T: Copy>(
        &mut self,
        key: &'static str,
        choices: &[(&'static str, T)],
        default: Option<T>,
    ) -> Option<T> {
        let words = || choices.iter().map(|(word, _)| *word);
        if let (None, Some(default)) = (self.table.get(key), default) {
            self.asked.push(key);
            return Some(default);
        }
        let text = self.need(key, choices.first().map_or("", |(word, _)| word))?;
        let found = choices.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let words: Vec<String> = words().map(|word| format!("`\"{word}\"`")).collect();
            self.wrong_at(key, format!("`{key}` must be {}", words.join(" or ")));
        }
        found
    }

    /// `true` or `false`, without quotes.
    pub(super) fn flag(&mut self, key: &'static str, default: bool) -> bool {
        let Some(value) = self.value(key) else { return default };
        value.get_ref().as_bool().unwrap_or_else(|| {
            self.wrong_at(key, format!("`{key}` must be `true` or `false`, without quotes"));
            default
        })
    }

    /// A whole number.
    pub(super) fn whole(&mut self, key: &'static str, range: RangeInclusive<i64>) -> Option<i64> {
        let value = self.value(key)?;
        let read = value
            .get_ref()
            .as_integer()
            .and_then(|integer| i64::from_str_radix(integer.as_str(), integer.radix()).ok())
            .filter(|value| range.contains(value));
        if read.is_none() {
            let (low, high) = range.into_inner();
            let reason =
                format!("`{key}` must be a whole number from {low} to {high}, without quotes");
            self.wrong_at(key, reason);
        }
        read
    }

    /// A whole number that must be there.
    pub(super) fn need_whole(
        &mut self,
        key: &'static str,
        range: RangeInclusive<i64>,
        example: i64,
    ) -> Option<i64> {
        if !self.table.contains_key(key) {
            self.asked.push(key);
            self.missing(key, &example.to_string());
            return None;
        }
        self.whole(key, range)
    }

    /// Dollars as text: a number without quotes would be a binary fraction, and prices are not.
    pub(super) fn dollars(&mut self, key: &'static str) -> Option<Money> {
        let text = self.text(key)?;
        let read = Money::parse_dollars(text);
        if read.is_none() {
            let reason =
                format!("`{key}` must be dollars such as `\"0.07\"`, at most six decimals");
            self.wrong_at(key, reason);
        }
        read
    }

    /// A table within this one.
    pub(super) fn table(&mut self, key: &'static str) -> Option<(&'a DeTable<'a>, Range<usize>)> {
        let value = self.value(key)?;
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.wrong_at(key, format!("`{key}` must be a table: `{key} = {{ … }}` or `[{key}]`"));
        }
        Some((table?, value.span()))
    }

    /// Names in a list, each with its place.
    pub(super) fn list(&mut self, key: &'static str) -> Option<Vec<(&'a str, Range<usize>)>> {
        let value = self.value(key)?;
        let items: Option<Vec<_>> = value.get_ref().as_array().and_then(|array| {
            array.iter().map(|item| Some((item.get_ref().as_str()?.trim(), item.span()))).collect()
        });
        if items.is_none() {
            self.wrong_at(
                key,
                format!("`{key}` must be a list of texts: `[\"line-1\", \"line-2\"]`"),
            );
        }
        items
    }

    /// The tables of a `[[key]]` list.
    pub(super) fn tables(&mut self, key: &'static str) -> Vec<(&'a DeTable<'a>, Range<usize>)> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let tables: Option<Vec<_>> = value.get_ref().as_array().and_then(|array| {
            array.iter().map(|item| Some((item.get_ref().as_table()?, item.span()))).collect()
        });
        if tables.is_none() {
            self.wrong_at(key, format!("write `[[{key}]]` with two brackets above each {key}"));
        }
        tables.unwrap_or_default()
    }

    /// Lets a table within this one be read with the same problems.
    pub(super) fn problems(&mut self) -> &mut Problems {
        self.problems
    }
}
