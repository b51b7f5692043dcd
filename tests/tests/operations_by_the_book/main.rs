//! docs/operations.md, from its top to its end: every command line is run as it stands there, on machines that are folders with
//! real daemons. What the text speaks of besides is part of one of them.

mod call;
mod machine;
mod page;
mod running;
mod spoken;
mod stage;

use std::fs;
use std::path::Path;
use std::time::Instant;

use crate::page::{Page, Step};
use crate::stage::Stage;

fn page() -> Page {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations.md");
    Page::read(&fs::read_to_string(path).expect("the page is there"))
}

#[test]
fn every_command_of_the_operations_page_works_in_its_order() {
    let page = page();
    let mut stage = Stage::new();
    let begun = Instant::now();
    let mut run = 0;
    for (line, step) in &page.steps {
        match step {
            Step::Config(text) => stage.set_config(text),
            Step::Cue(cue) => {
                let begun = Instant::now();
                stage.cue(cue);
                println!(
                    "{:>6} ms  docs/operations.md:{line}: {cue:?}",
                    begun.elapsed().as_millis()
                );
            }
            // A block is for one machine after the other.
            Step::Block(places, commands) => {
                for place in places {
                    for command in commands {
                        run += 1;
                        if let Err(fault) = stage.run(place, command) {
                            let traces = stage.traces();
                            let at = command.line;
                            panic!(
                                "docs/operations.md:{at}, on {place:?}: {}\n{fault}\n{traces}",
                                command.text
                            );
                        }
                    }
                }
            }
        }
    }
    println!("{run} commands in {:?}", begun.elapsed());
    let never: Vec<&str> = call::PROGRAMS
        .into_iter()
        .filter(|program| !stage.called.contains(*program))
        .collect();
    assert!(never.is_empty(), "these stand in for nothing: {never:?}");
}

#[test]
fn every_command_that_the_operations_page_speaks_of_is_in_a_block() {
    let page = page();
    assert!(page.commands().count() > 150, "the page was read");
    let missing = spoken::never_run(&page);
    assert!(missing.is_empty(), "docs/operations.md: {missing:#?}");
}
