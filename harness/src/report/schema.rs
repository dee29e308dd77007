//! Validation by JSON Schema, for the tests of the formats.

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::Value;

/// A schema that is ready to judge.
pub struct Judge {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Judge {
    pub fn new(schema: Value) -> Self {
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.add_resource("form.schema.json", schema).expect("the schema has a known form");
        let index = compiler.compile("form.schema.json", &mut schemas).expect("the schema is sound");
        Judge { schemas, index }
    }

    pub fn accepts(&self, value: &Value) -> Result<(), String> {
        self.schemas.validate(value, self.index).map_err(|error| format!("{error:#}"))
    }
}

/// The text as JSON that keeps the schema.
pub fn parsed(text: &str, schema: Value) -> Value {
    let value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    Judge::new(schema).accepts(&value).unwrap_or_else(|error| panic!("{error}"));
    value
}
