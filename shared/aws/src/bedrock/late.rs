//! Owns a Bedrock model that a configuration names, until it is asked for the first time: then it gets its clients.
//! Never an account or a key: they come from where every AWS program looks, as the region does unless one is named.
//! Next: `Bedrock` asks.

use std::sync::Arc;

use async_trait::async_trait;
use aws_config::Region;
use contract::PortError;
use engine::mind::Make;
use engine::mind::config::{ModelSettings, Provider, Structured as Told};
use engine::model::{Hearing, Model, Reply, Request};
use engine::providers::Limits;
use tokio::sync::OnceCell;

use super::{Bedrock, Settings, Structured, Ways};
use crate::clients::{self, Clients};

/// Makes the models of `provider = "bedrock"`.
pub fn maker() -> Make<'static> {
    Make { provider: Provider::Bedrock, make: &made }
}

fn made(settings: &ModelSettings) -> Result<Arc<dyn Model>, String> {
    let limits = Limits { first_token: settings.first_token, whole: settings.whole, ..Limits::default() };
    let structured = match settings.structured {
        Told::Native => Structured::Native,
        Told::Json => Structured::Tool,
        Told::Prompt => Structured::Prompt,
    };
    let asked = Settings { ways: Ways { structured, sampling: true }, limits, ..Settings::new(&settings.model) };
    let name = format!("bedrock/{}", settings.model);
    Ok(Arc::new(Late { name, region: settings.region.clone(), settings: asked, model: OnceCell::new() }))
}

#[derive(Debug)]
struct Late {
    name: String,
    region: Option<String>,
    settings: Settings,
    model: OnceCell<Bedrock>,
}

#[async_trait]
impl Model for Late {
    fn name(&self) -> &str {
        &self.name
    }

    async fn reply(&self, request: &Request, heard: Hearing<'_>) -> Result<Reply, PortError> {
        let model = self.model.get_or_init(|| async {
            let environment = clients::environment();
            let loader = match &self.region {
                Some(region) => environment.region(Region::new(region.clone())),
                None => environment,
            };
            Bedrock::new(&Clients::load(loader, clients::Limits::default()).await, self.settings.clone())
        });
        model.await.reply(request, heard).await
    }
}
