//! The text of a lock file.
//!
//! ```text
//! # comments and empty lines do not count
//!
//! event account.withdrawn v2
//! | { cents: u64, atm?: u32? }
//! was
//! | { cents: u64 }
//! tag atm
//! payload 82a563656e747305a361746dc0
//! sum 70a2ccb1c1b2f1a0
//! ```
//!
//! The lines behind `|` are what is stored, in the text form of [shapes](crate::shape); behind `was`, what was stored before
//! under the same version. Forms stand in the order of their names, so that two that come at once stand apart.

use std::{collections::BTreeMap, fmt};

use super::{
    BLESS,
    form::{FormName, LockedForm},
};

/// A lock file that was read, or is to be written.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct LockFile {
    pub(super) forms: BTreeMap<FormName, LockedForm>,
    /// Remarks that do not count.
    pub(super) remarks: Vec<String>,
}

impl LockFile {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut file = Self::default();
        let mut open: Option<Open> = None;
        for (number, line) in (1..).zip(text.lines()) {
            // The name of a tag may end with a space, what else stands in a line does not.
            let line = if line.starts_with("tag ") { line } else { line.trim_end() };
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let fail = || not_understood(number, line);
            open = match open.take() {
                None => {
                    let name = FormName::parse(line).ok_or_else(fail)?;
                    Some(Open { name, form: LockedForm::default(), schema: String::new(), line: number })
                }
                Some(mut form) => match line.strip_prefix("sum ") {
                    Some(sum) => {
                        let sum = u64::from_str_radix(sum, 16).map_err(|_| fail())?;
                        file.close(form, sum)?;
                        None
                    }
                    None => {
                        form.form.take(line, &mut form.schema).ok_or_else(fail)?;
                        Some(form)
                    }
                },
            };
        }
        match open {
            None => Ok(file),
            Some(form) => Err(format!("it ends within {}, which begins at line {}: {RESTORE}", form.name, form.line)),
        }
    }

    fn close(&mut self, open: Open, sum: u64) -> Result<(), String> {
        let Open { name, mut form, mut schema, line } = open;
        let whole = form.take_schema(&mut schema).filter(|()| !form.schemas.is_empty());
        if whole.is_none() || form.sum(&name) != sum {
            return Err(format!("{name}, at line {line}, was changed by hand: {RESTORE}"));
        }
        if self.forms.contains_key(&name) {
            return Err(format!("{name} stands there a second time, at line {line}: keep one of the two"));
        }
        self.forms.insert(name, form);
        Ok(())
    }
}

const RESTORE: &str = "restore the file from version control";

/// A form whose lines are being read.
struct Open {
    name: FormName,
    form: LockedForm,
    schema: String,
    line: usize,
}

fn not_understood(number: usize, line: &str) -> String {
    if ["<<<<<<<", "=======", ">>>>>>>", "|||||||"].iter().any(|mark| line.starts_with(mark)) {
        return format!("line {number} is of a merge that is not finished: keep both sides, each form once");
    }
    format!("line {number} is not understood: {line:?}: {RESTORE}")
}

impl fmt::Display for LockFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "# What events and commands are stored as. Written by a test; keep it with the code, and never change it by"
        )?;
        writeln!(f, "# hand: after a change that is meant, run the test with {BLESS}=1.")?;
        for remark in &self.remarks {
            writeln!(f, "#\n# {remark}")?;
        }
        for (name, form) in &self.forms {
            write!(f, "\n{name}\n{form}sum {:016x}\n", form.sum(name))?;
        }
        Ok(())
    }
}
