//! Owns who may name whom: the directions between the packages of this repository, and who may touch AWS.
//! Never looks at versions or at transitive dependencies: a manifest says what its package may import.
//! Next: `house::packages`, which reads the manifests through `cargo metadata`.

use super::house::{Dependency, File, Package, assert_none, assert_only, files, packages};

/// What anybody but the contract may test with: the fakes, and the stand-in for AWS.
const FOR_TESTS: &[&str] = &["testkit", "embedded-cloud"];
const SHARED: &[&str] = &["contract", "runtime", "engine", "aws", "testkit"];

/// What a package may name of ours. Whoever is not listed is an agent, or another program made of the shared crates.
fn may_name(package: &str) -> Option<&'static [&'static str]> {
    Some(match package {
        "contract" => &[],
        "runtime" | "engine" => &["contract"],
        "aws" => &["contract", "runtime", "engine"],
        "testkit" => &["contract", "runtime", "engine"],
        "embedded-cloud" => &[],
        "tests" | "bench" | "daemons" | "eval" | "goals" | "processes" => return None,
        "faults" => &["contract", "runtime", "aws", "testkit", "processes", "embedded-cloud"],
        _ => &["contract", "runtime", "engine", "aws"],
    })
}

fn wrong_directions(packages: &[Package]) -> Vec<String> {
    let ours = |name: &str| SHARED.contains(&name) || packages.iter().any(|package| package.name == name);
    let mut problems = Vec::new();
    for package in packages {
        let Some(allowed) = may_name(&package.name) else { continue };
        for Dependency { name, dev } in &package.dependencies {
            let for_tests = *dev && FOR_TESTS.contains(&name.as_str()) && package.name != "contract";
            // The command line is tested with the choreography around it.
            let for_tests = for_tests || (*dev && package.name == "murmur" && name == "processes");
            if ours(name) && !allowed.contains(&name.as_str()) && !for_tests {
                let how = if *dev { "dev-dependency" } else { "dependency" };
                problems.push(format!("{} → {name} ({how}) is a direction that does not exist", package.name));
            }
        }
    }
    problems
}

fn strangers_to_aws(packages: &[Package]) -> Vec<String> {
    let mut problems = Vec::new();
    for package in packages {
        for Dependency { name, dev } in &package.dependencies {
            let may = match package.name.as_str() {
                "aws" | "bench" | "standin" => true,
                "embedded-cloud" => *dev,
                _ => false,
            };
            if name.starts_with("aws-sdk-") && !may {
                problems.push(format!("{} → {name}: only shared/aws talks to AWS", package.name));
            }
        }
    }
    problems
}

fn misplaced(packages: &[Package]) -> Vec<String> {
    let folder_name = |package: &Package| match package.folder.rsplit('/').next() {
        Some("embedded") => "embedded-cloud".to_owned(),
        folder => folder.unwrap_or_default().to_owned(),
    };
    let bad = packages.iter().filter(|package| folder_name(package) != package.name);
    bad.map(|package| format!("package {} lies in {}", package.name, package.folder)).collect()
}

/// Handlers return events; `main` alone knows that there is an AWS.
fn handlers_that_know_aws(files: &[File]) -> Vec<String> {
    let handlers = files.iter().filter(|file| file.path.starts_with("services/") && file.path.ends_with("/handler.rs"));
    let knows = handlers.filter(|file| ["use aws", "aws::"].iter().any(|path| file.text.contains(path)));
    knows.map(|file| format!("{}: a handler never sees AWS", file.path)).collect()
}

/// `docs/adr/0004`: to change the crate behind `retry` is to change one file.
fn second_users_of_backoff(files: &[File]) -> Vec<String> {
    let uses = |file: &&File| file.is_rust() && file.text.contains(concat!("back", "off::"));
    let strangers = files.iter().filter(uses).filter(|file| file.path != "shared/runtime/src/retry.rs");
    strangers.map(|file| format!("{}: only shared/runtime/src/retry.rs names backoff", file.path)).collect()
}

fn package(name: &str, normal: &[&str], dev: &[&str]) -> Package {
    let named = |names: &[&str], dev| names.iter().map(move |name| Dependency { name: (*name).into(), dev }).collect();
    let mut dependencies: Vec<Dependency> = named(normal, false);
    dependencies.extend::<Vec<Dependency>>(named(dev, true));
    Package { name: name.into(), folder: format!("services/{name}"), dependencies }
}

#[test]
fn dependencies_point_only_in_the_directions_of_the_architecture() -> anyhow::Result<()> {
    assert_none(&wrong_directions(&packages()?));
    Ok(())
}

#[test]
fn every_direction_of_the_architecture_is_allowed() {
    assert_none(&wrong_directions(&[
        package("contract", &["serde"], &["proptest"]),
        package("runtime", &["contract"], &["testkit"]),
        package("engine", &["contract"], &["testkit"]),
        package("aws", &["contract", "runtime", "engine"], &["testkit", "embedded-cloud"]),
        package("testkit", &["contract", "runtime"], &[]),
        package("writer", &["contract", "runtime", "engine", "aws"], &["testkit"]),
        package("tests", &["runtime", "testkit"], &["writer"]),
        package("bench", &["runtime", "testkit", "aws"], &[]),
        package("faults", &["runtime", "aws", "processes", "embedded-cloud"], &["testkit"]),
    ]));
}

#[test]
fn each_wrong_direction_is_found() {
    let writer = package("writer", &[], &[]);
    for (who, normal, dev) in [
        ("contract", "runtime", ""),
        ("contract", "", "testkit"),
        ("runtime", "engine", ""),
        ("runtime", "", "engine"),
        ("engine", "runtime", ""),
        ("runtime", "aws", ""),
        ("runtime", "", "aws"),
        ("engine", "aws", ""),
        ("runtime", "testkit", ""),
        ("testkit", "aws", ""),
        ("analysis", "testkit", ""),
        ("analysis", "writer", ""),
        ("murmur", "", "writer"),
        ("aws", "writer", ""),
        ("faults", "engine", ""),
        ("faults", "writer", ""),
    ] {
        let list = |name: &'static str| if name.is_empty() { vec![] } else { vec![name] };
        let planted = package(who, &list(normal), &list(dev));
        assert_only(&wrong_directions(&[planted, writer.clone()]), &format!("{who} → {normal}{dev}"));
    }
}

#[test]
fn only_the_adapters_the_stand_ins_tests_and_the_benches_name_the_aws_sdk() -> anyhow::Result<()> {
    assert_none(&strangers_to_aws(&packages()?));
    Ok(())
}

#[test]
fn a_stranger_to_aws_is_found() {
    assert_none(&strangers_to_aws(&[
        package("aws", &["aws-sdk-sqs"], &[]),
        package("bench", &["aws-sdk-sqs"], &[]),
        package("embedded-cloud", &[], &["aws-sdk-dynamodb"]),
    ]));
    assert_only(&strangers_to_aws(&[package("writer", &["aws-sdk-sqs"], &[])]), "writer → aws-sdk-sqs");
    assert_only(&strangers_to_aws(&[package("tests", &[], &["aws-sdk-sqs"])]), "tests → aws-sdk-sqs");
    assert_only(&strangers_to_aws(&[package("embedded-cloud", &["aws-sdk-sqs"], &[])]), "embedded-cloud →");
}

#[test]
fn every_package_has_the_name_of_its_folder() -> anyhow::Result<()> {
    assert_none(&misplaced(&packages()?));
    Ok(())
}

#[test]
fn a_package_with_another_name_than_its_folder_is_found() {
    let moved = Package { folder: "shared/scribe".into(), ..package("writer", &[], &[]) };
    let embedded = Package { folder: "localstack/embedded".into(), ..package("embedded-cloud", &[], &[]) };
    assert_none(&misplaced(&[embedded]));
    assert_only(&misplaced(&[moved]), "package writer lies in shared/scribe");
}

#[test]
fn no_handler_knows_aws() -> anyhow::Result<()> {
    assert_none(&handlers_that_know_aws(&files()?));
    Ok(())
}

#[test]
fn a_handler_that_knows_aws_is_found() {
    let with = |text| [File::new("services/writer/src/handler.rs", text)];
    assert_none(&handlers_that_know_aws(&with("use contract::Event;")));
    assert_only(&handlers_that_know_aws(&with("use aws::Sqs;")), "services/writer/src/handler.rs");
}

#[test]
fn backoff_is_named_by_one_module_only() -> anyhow::Result<()> {
    assert_none(&second_users_of_backoff(&files()?));
    Ok(())
}

#[test]
fn a_second_user_of_backoff_is_found() {
    let with = |path| [File::new(path, concat!("use back", "off::Exponential", "Back", "off;"))];
    assert_none(&second_users_of_backoff(&with("shared/runtime/src/retry.rs")));
    assert_only(&second_users_of_backoff(&with("shared/aws/src/sqs.rs")), "shared/aws/src/sqs.rs");
}
