//! Starts the supervision tree.

use std::sync::Arc;

use lastcall_actors::{Handle, Ports, Reason, System as Tree};
use lastcall_domain::{BlobKey, Profiles, Work};
use lastcall_render::{FontConfig, Renderer};

use super::super::settings;
use super::{Base, Startup};
use crate::work::{AnalysisWork, Conversions, Parts as Environment, ReportWork};

impl Startup<'_> {
    /// Starts the supervision tree.
    pub(super) fn tree(&mut self, base: &Base) -> Handle {
        let conversions = Arc::<Conversions>::default();
        let analysis = Arc::new(AnalysisWork {
            store: Arc::clone(&base.store),
            blobs: Arc::clone(&base.blobs),
            engine: Arc::clone(&base.engine),
            sql: Arc::clone(&base.sql),
            compute: Arc::clone(&base.compute),
            scratch: base.scratch.clone(),
            clock: Arc::clone(&self.clock),
            timeout: self.config.analysis.pool.timeout,
            conversions: Arc::clone(&conversions),
            new_sessions: Arc::clone(&self.new_sessions),
        });
        let report = {
            let (store, blobs) = (Arc::clone(&base.store), Arc::clone(&base.blobs));
            let (compute, clock) = (Arc::clone(&base.compute), Arc::clone(&self.clock));
            let (engine, typesetter) = (Arc::clone(&base.engine), Arc::clone(&base.typesetter));
            let scratch = base.scratch.clone();
            let renderer = Renderer::new(FontConfig::default()).with_scratch(&scratch);
            let renderer = Arc::new(renderer);
            move |profiles: Arc<dyn Profiles>| -> Arc<dyn Work> {
                Arc::new(ReportWork {
                    store,
                    blobs,
                    profiles,
                    renderer,
                    typesetter,
                    engine,
                    compute,
                    clock,
                    scratch,
                    conversions,
                })
            }
        };
        let ports = Ports {
            store: Arc::clone(&base.store),
            blobs: Arc::clone(&base.blobs),
            clock: Arc::clone(&self.clock),
            feed: self.feed.clone(),
            tracer: self.tracer.clone(),
            observer: Arc::new(self.job_metrics.clone()),
            environment: Arc::new(Environment {
                store: Arc::clone(&base.store),
                blobs: Arc::clone(&base.blobs),
                scratch: base.scratch.clone(),
                probe: BlobKey::probe(),
            }),
            analysis_work: analysis.clone(),
            profile_work: analysis,
            report_work: Box::new(report),
        };
        let tree = Tree::start(settings::tree_config(self.config, self.instance), ports);
        let (started, timeline) = (tree.clone(), self.signals.timeline());
        self.closers.push_async("the services", move || async move {
            let shutdown = started.shutdown(Reason::Sigterm, timeline);
            shutdown.expedite();
            let complete = shutdown.drain().await.is_complete();
            (!complete).then(|| "the services did not end in order".to_owned())
        });
        tree
    }
}
