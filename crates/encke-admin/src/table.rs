//! What there is: one table, by which requests are routed and the document is written.

use std::{future::Future, pin::Pin};

use encke_wire::Problem;
use http::Method;
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::{
    call::{Answer, Call},
    input::{Shape, Texts},
};

/// What comes of an operation: JSON, or nothing.
pub(crate) type Run = Pin<Box<dyn Future<Output = Answer<Option<Vec<u8>>>> + Send>>;

/// What an operation does with its arguments and its body.
type Handler = dyn Fn(Call, Texts, &[u8]) -> Run + Send + Sync;

/// Something that can be asked for.
pub(crate) struct Operation {
    pub(crate) method: Method,
    /// Segments; one in braces stands for any.
    pub(crate) path: &'static str,
    pub(crate) id: &'static str,
    pub(crate) about: &'static str,
    pub(crate) args: Shape,
    /// The schema of the body that it takes.
    pub(crate) body: Option<Value>,
    /// The schema of what it answers, unless that is nothing.
    pub(crate) answer: Option<Value>,
    pub(crate) run: Box<Handler>,
}

/// The operations, and the schemas to which theirs refer.
pub(crate) struct Table {
    pub(crate) operations: Vec<Operation>,
    inputs: SchemaGenerator,
    outputs: SchemaGenerator,
}

/// What a function of an operation answers, as it comes.
pub(crate) trait Runs<R>: Future<Output = Answer<R>> + Send + 'static {}

impl<R, F: Future<Output = Answer<R>> + Send + 'static> Runs<R> for F {}

/// The arguments or the body of an operation.
pub(crate) trait Input: DeserializeOwned + JsonSchema + Send + 'static {}

impl<T: DeserializeOwned + JsonSchema + Send + 'static> Input for T {}

impl Table {
    pub(crate) fn new() -> Self {
        let settings = SchemaSettings::draft2020_12().with(|it| {
            it.definitions_path = "/components/schemas".into();
        });
        let (inputs, outputs) =
            (settings.clone().into_generator(), settings.for_serialize().into_generator());
        Self { operations: Vec::new(), inputs, outputs }
    }

    /// Shows something.
    pub(crate) fn get<A: Input, R: Serialize + JsonSchema + 'static, F: Runs<R>>(
        mut self,
        (path, id): (&'static str, &'static str),
        about: &'static str,
        run: fn(Call, A) -> F,
    ) -> Self {
        let args = Shape::of::<A>();
        let shape = args.clone();
        let run = move |call, texts, _: &[u8]| -> Run {
            let args = shape.args(texts);
            Box::pin(async move { json(&run(call, args?).await?) })
        };
        let (run, answer) = (Box::new(run), Some(self.output::<R>()));
        self.operations.push(Operation {
            method: Method::GET,
            path,
            id,
            about,
            args,
            body: None,
            answer,
            run,
        });
        self
    }

    /// Does something, as its body says.
    pub(crate) fn post<A: Input, B: Input, R: Serialize + JsonSchema + 'static, F: Runs<R>>(
        mut self,
        (path, id): (&'static str, &'static str),
        about: &'static str,
        run: fn(Call, A, B) -> F,
    ) -> Self {
        let (args, body) = (Shape::of::<A>(), Shape::of::<B>());
        let shape = args.clone();
        let run = move |call, texts, bytes: &[u8]| -> Run {
            let args = shape.args(texts);
            let body = body.body(bytes);
            Box::pin(async move { json(&run(call, args?, body?).await?) })
        };
        let body = Some(self.inputs.subschema_for::<B>().to_value());
        let (run, answer) = (Box::new(run), Some(self.output::<R>()));
        self.operations.push(Operation { method: Method::POST, path, id, about, args, body, answer, run });
        self
    }

    /// Removes something, and has nothing to say of it.
    pub(crate) fn delete<A: Input, F: Runs<()>>(
        mut self,
        (path, id): (&'static str, &'static str),
        about: &'static str,
        run: fn(Call, A) -> F,
    ) -> Self {
        let args = Shape::of::<A>();
        let shape = args.clone();
        let run = move |call, texts, _: &[u8]| -> Run {
            let args = shape.args(texts);
            Box::pin(async move { run(call, args?).await.map(|()| None) })
        };
        let (method, run) = (Method::DELETE, Box::new(run));
        self.operations.push(Operation { method, path, id, about, args, body: None, answer: None, run });
        self
    }

    pub(crate) fn output<T: JsonSchema>(&mut self) -> Value {
        self.outputs.subschema_for::<T>().to_value()
    }

    /// The schemas to which others refer, by their names.
    pub(crate) fn definitions(&mut self) -> Map<String, Value> {
        let mut all = self.inputs.take_definitions(true);
        all.extend(self.outputs.take_definitions(true));
        all
    }
}

impl Operation {
    /// What stands in the braces of its path, if that is the path that was asked for.
    pub(crate) fn matches(&self, segments: &[String]) -> Option<Texts> {
        if self.path.split('/').count() != segments.len() {
            return None;
        }
        let mut found = Vec::new();
        for (own, segment) in self.path.split('/').zip(segments) {
            match in_braces(own) {
                Some(name) => found.push((name.to_owned(), segment.clone())),
                None if own == segment => {}
                None => return None,
            }
        }
        Some(found)
    }

    pub(crate) fn has_in_path(&self, name: &str) -> bool {
        self.path.split('/').any(|own| in_braces(own) == Some(name))
    }
}

fn in_braces(segment: &str) -> Option<&str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

fn json<T: Serialize>(answer: &T) -> Answer<Option<Vec<u8>>> {
    serde_json::to_vec(answer).map(Some).map_err(|error| Problem::internal(error.to_string()))
}
