//! Owns STS's one answer: who the caller is, so that tools which ask first are content.
//! Never checks a credential: everybody is the one account.
//! Next: nothing; clients go on to the services.

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;

use super::wire;
use crate::place::Place;

const XMLNS: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

pub(super) fn answer(place: &Place, action: &str) -> Response<Full<Bytes>> {
    let Place { account, .. } = place;
    if action == "GetCallerIdentity" {
        let body = format!(
            "<GetCallerIdentityResponse xmlns=\"{XMLNS}\"><GetCallerIdentityResult>\
             <Arn>arn:aws:iam::{account}:root</Arn><UserId>{account}</UserId><Account>{account}</Account>\
             </GetCallerIdentityResult><ResponseMetadata><RequestId>embedded</RequestId></ResponseMetadata>\
             </GetCallerIdentityResponse>"
        );
        return wire::page(200, "text/xml", body);
    }
    let shown: String = action.chars().filter(char::is_ascii_alphanumeric).take(64).collect();
    let body = format!(
        "<ErrorResponse xmlns=\"{XMLNS}\"><Error><Type>Sender</Type><Code>NotImplemented</Code>\
         <Message>{shown}, by the query protocol, is not implemented by the embedded stand-in</Message>\
         </Error><RequestId>embedded</RequestId></ErrorResponse>"
    );
    wire::page(501, "text/xml", body)
}
