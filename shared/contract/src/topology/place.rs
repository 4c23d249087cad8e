//! Owns where a choreography stands in AWS: partition, region, account, and the two names that it does not choose.
//! Never a credential, and never an endpoint.
//! Next: `iam` and `resources` make ARNs with it.

use super::Topology;
use crate::QueueName;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: String,
    pub region: String,
    pub account: String,
    /// The ledger's table.
    pub table: String,
    /// The bucket of artifacts; empty where they are files.
    pub bucket: String,
}

impl Place {
    pub fn queue_arn(&self, queue: &QueueName) -> String {
        format!("arn:{}:sqs:{}:{}:{queue}", self.partition, self.region, self.account)
    }
    pub fn bus_arn(&self, topology: &Topology) -> String {
        format!("arn:{}:events:{}:{}:event-bus/{}", self.partition, self.region, self.account, topology.bus)
    }
    pub fn rule_arn(&self, topology: &Topology, rule: &str) -> String {
        format!("arn:{}:events:{}:{}:rule/{}/{rule}", self.partition, self.region, self.account, topology.bus)
    }
    pub fn table_arn(&self) -> String {
        format!("arn:{}:dynamodb:{}:{}:table/{}", self.partition, self.region, self.account, self.table)
    }
    pub fn objects_arn(&self) -> String {
        format!("arn:{}:s3:::{}/*", self.partition, self.bucket)
    }
}
