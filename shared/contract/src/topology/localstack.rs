//! Owns the script with which a LocalStack container provisions itself, `localstack/init/ready.d/murmuration.py`.
//! Never a call to AWS: the script makes them, with what `resources` lists.
//! Next: `src/bin/schemas.rs` writes it, and `tests/renderers.rs` compares what stands there.

use serde_json::{Value, json};

use super::resources::resources;
use super::{Place, Topology};

/// Where the script lies, from the repository's root.
pub const PATH: &str = "localstack/init/ready.d/murmuration.py";
const TEMPLATE: &str = include_str!("localstack.py");
const HOLE: &str = "@RESOURCES@";

/// LocalStack's own account and default region, and the names that the daemons default to.
pub fn place() -> Place {
    Place {
        partition: "aws".into(),
        region: "us-east-1".into(),
        account: "000000000000".into(),
        table: "murmuration".into(),
        bucket: "murmuration-artifacts".into(),
    }
}

pub fn script(topology: &Topology) -> String {
    let place = place();
    let mut all = json!(resources(topology, &place));
    all["region"] = Value::String(place.region);
    all["bucket"] = Value::String(place.bucket);
    // `{:#}` of a value cannot fail; a raw Python text of three single quotes holds it, since no name has one.
    TEMPLATE.replacen(HOLE, &format!("{all:#}"), 1)
}
