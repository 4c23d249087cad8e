//! Owns a CEL expression of a rule: compiled, and every name in it known, before anything runs.
//! Never one that could run away: its length and the nesting of its loops are bounded.
//! Next: `pack` compiles them at start, `judge` evaluates them over the facts of an analysis.

use std::collections::BTreeSet;

use cel::common::ast::{EntryExpr, Expr};
use cel::{IdedExpr, Program};

use super::place::{File, Text};
use crate::functions;

const BYTES_MAX: usize = 2_000;
/// Each level of a loop multiplies what the lists of an analysis hold.
const LOOPS_MAX: usize = 2;
/// What CEL itself brings.
const OF_CEL: &[&str] = &[
    "size",
    "contains",
    "startsWith",
    "endsWith",
    "matches",
    "string",
    "int",
    "uint",
    "double",
    "bool",
    "bytes",
    "type",
    "dyn",
];
const TYPES_OF_CEL: &[&str] = &["int", "uint", "double", "bool", "string", "bytes", "list", "map", "null_type", "type"];

#[derive(Debug)]
pub(crate) struct Expression {
    pub(crate) program: Program,
    /// The names that it reads, those of its own loops aside.
    pub(crate) variables: BTreeSet<String>,
}

struct Walk<'a, 'f> {
    file: &'a mut File<'f>,
    text: &'a Text,
    program: &'a Program,
    known: &'a BTreeSet<String>,
    scope: Vec<String>,
    variables: BTreeSet<String>,
    sound: bool,
}

/// None where it does not compile: the file has the problems then.
pub(crate) fn compiled(file: &mut File<'_>, text: &Text, known: &BTreeSet<String>) -> Option<Expression> {
    if text.text.trim().is_empty() || text.text.len() > BYTES_MAX {
        file.problem(
            text.place(0),
            format!("an expression has 1 to {BYTES_MAX} bytes, and this one has {}", text.text.len()),
        );
        return None;
    }
    let program = match Program::compile(&text.text) {
        Ok(program) => program,
        Err(errors) => {
            for error in errors.errors {
                let what = error.msg.lines().next().unwrap_or("not understood");
                // The parser lists every token that it would have taken.
                let what = what.split(" expecting ").next().unwrap_or(what);
                file.problem(text.place_of(error.pos.0, error.pos.1), format!("not CEL: {what}"));
            }
            return None;
        }
    };
    let mut walk =
        Walk { file, text, program: &program, known, scope: vec![], variables: BTreeSet::new(), sound: true };
    walk.look(program.expression(), 0);
    let (sound, variables) = (walk.sound, walk.variables);
    sound.then_some(Expression { program, variables })
}

impl Walk<'_, '_> {
    fn problem(&mut self, id: u64, name: &str, what: String) {
        let offset = self.program.source_info().offset_for(id).map_or(0, |(start, _)| start as usize);
        // Offsets count characters, and that of a call is its bracket's.
        let bytes: usize = self.text.text.chars().take(offset).map(char::len_utf8).sum();
        let name_bytes = if self.text.text[..bytes].ends_with(name) { name.len() } else { 0 };
        self.file.problem(self.text.place(bytes - name_bytes), what);
        self.sound = false;
    }

    fn look(&mut self, at: &IdedExpr, loops: usize) {
        match &at.expr {
            Expr::Unspecified | Expr::Literal(_) => {}
            Expr::Ident(name) => self.name(at.id, name),
            Expr::Select(select) => self.look(&select.operand, loops),
            Expr::List(list) => list.elements.iter().for_each(|element| self.look(element, loops)),
            Expr::Map(map) => map.entries.iter().for_each(|entry| self.entry(&entry.expr, loops)),
            Expr::Struct(made) => {
                self.problem(at.id, "", format!("{} is no type that can be made here", made.type_name));
            }
            Expr::Call(call) => {
                let arguments = call.args.len() + usize::from(call.target.is_some());
                self.call(at.id, &call.func_name, arguments);
                if let Some(target) = &call.target {
                    self.look(target, loops);
                }
                call.args.iter().for_each(|argument| self.look(argument, loops));
            }
            Expr::Comprehension(inner) => {
                if loops == LOOPS_MAX {
                    self.problem(at.id, "", format!("loops are nested more than {LOOPS_MAX} deep"));
                }
                self.look(&inner.iter_range, loops);
                let before = self.scope.len();
                self.scope.push(inner.iter_var.clone());
                self.scope.extend(inner.iter_var2.clone());
                self.scope.push(inner.accu_var.clone());
                for part in [&inner.accu_init, &inner.loop_cond, &inner.loop_step, &inner.result] {
                    self.look(part, loops + 1);
                }
                self.scope.truncate(before);
            }
        }
    }

    fn entry(&mut self, entry: &EntryExpr, loops: usize) {
        match entry {
            EntryExpr::StructField(field) => self.look(&field.value, loops),
            EntryExpr::MapEntry(entry) => {
                self.look(&entry.key, loops);
                self.look(&entry.value, loops);
            }
        }
    }

    fn name(&mut self, id: u64, name: &str) {
        if name.starts_with('@') || self.scope.iter().any(|own| own == name) || TYPES_OF_CEL.contains(&name) {
            return;
        }
        if self.known.contains(name) {
            self.variables.insert(name.to_owned());
        } else {
            let known: Vec<&str> = self.known.iter().map(String::as_str).collect();
            self.problem(id, "", format!("unknown variable {name}: known are {}", known.join(", ")));
        }
    }

    fn call(&mut self, id: u64, name: &str, arguments: usize) {
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) || OF_CEL.contains(&name) {
            return;
        }
        match functions::ALL.iter().find(|function| function.name == name) {
            None => {
                let known: Vec<&str> = functions::ALL.iter().map(|function| function.name).collect();
                self.problem(id, name, format!("unknown function {name}: known are {}", known.join(", ")));
            }
            Some(function) if function.arguments.len() != arguments => {
                let wanted = function.arguments.join(", ");
                self.problem(
                    id,
                    name,
                    format!("{name}({wanted}) takes {} arguments, not {arguments}", function.arguments.len()),
                );
            }
            Some(_) => {}
        }
    }
}
