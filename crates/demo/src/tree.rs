//! Reports of jobs that were nested, as one tree.

use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

use teamwork::Report;

/// The report of a job with those of its children in it. A report knows its tasks, but of a child job only how it ended.
#[derive(Debug)]
pub struct Tree<'a> {
    /// The report of the whole.
    pub root: &'a Report,
    /// The reports of its children; each takes the place of the task of its name.
    pub children: &'a [Arc<Report>],
}

impl Display for Tree<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let whole = self.root.to_string();
        // What follows the tasks is kept as it is.
        let (mut branches, mut rest) = (Vec::new(), Vec::new());
        let mut lines = whole.lines();
        writeln!(out, "{}", lines.next().unwrap_or_default())?;
        let mut tasks = self.root.tasks();
        for line in lines {
            match tasks.next() {
                Some(task) => branches.push(self.branch(task.name, line)),
                None => rest.push(line),
            }
        }
        let last = branches.len().saturating_sub(1);
        for (number, branch) in branches.iter().enumerate() {
            write_branch(out, branch, number == last)?;
        }
        rest.iter().try_for_each(|line| writeln!(out, "{line}"))
    }
}

impl Tree<'_> {
    /// The lines of one task: its child's report if it is a job, else the line that it has.
    fn branch(&self, name: &str, line: &str) -> String {
        match self.children.iter().find(|child| child.name() == name) {
            Some(child) => child.to_string(),
            None => line.trim_start_matches(['├', '└', '─', ' ']).to_owned(),
        }
    }
}

fn write_branch(out: &mut Formatter<'_>, branch: &str, is_last: bool) -> fmt::Result {
    let (head, trunk) = if is_last {
        ("└─ ", "   ")
    } else {
        ("├─ ", "│  ")
    };
    for (number, line) in branch.lines().enumerate() {
        writeln!(out, "{}{line}", if number == 0 { head } else { trunk })?;
    }
    Ok(())
}
