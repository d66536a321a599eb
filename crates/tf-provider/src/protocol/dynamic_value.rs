//! Values in msgpack, guided by the schema: both ways.
//!
//! The rules are cty's. Objects and blocks bring every attribute, nil for null. An unknown value is any
//! extension; what is known of it comes as extension 12, and only plain unknowns are sent back, because a
//! promise would have to be kept. A dynamic value is a pair of its JSON type, as bytes, and the value. A list
//! or set block is never nil. One pass each way, each string copied once.

use std::collections::BTreeMap;

use super::msgpack::{Malformed, Reader, Token, Writer};
use crate::schema::{
    Block, DEEPEST_DYNAMIC, NestedBlock, Nesting, NotThisType, Number, NumberForm, Object, Path, Refinement,
    Step, Type, Value,
};

/// The kind of extension that says what is known of an unknown value.
const REFINED_UNKNOWN: i8 = 12;

/// Reads a value of a type; the bytes must hold nothing else.
pub(crate) fn decode(bytes: &[u8], ty: &Type) -> Result<Value, NotThisType> {
    let mut decoder = Decoder { reader: Reader::new(bytes), path: Path::root(), dynamic_depth: 0 };
    let decoded = decoder.value(ty).and_then(|value| match decoder.reader.is_at_end() {
        true => Ok(value),
        false => Err("there are bytes after the value".to_owned()),
    });
    decoded.map_err(|reason| NotThisType { path: decoder.path, reason })
}

/// Writes an object as its block describes it; none is null.
pub(crate) fn encode_block(block: &Block, object: Option<&Object>) -> Result<Vec<u8>, NotThisType> {
    // Most of a large message is text, whose size is known.
    let capacity = object.map_or(1, |object| object.iter().map(|(_, value)| rough_size(value)).sum());
    let mut encoder = Encoder { writer: Writer::with_capacity(capacity), path: Path::root() };
    let encoded = match object {
        Some(object) => encoder.block(block, object),
        None => {
            encoder.writer.nil();
            Ok(())
        }
    };
    finish(encoder, encoded)
}

/// Writes a value of a type.
pub(crate) fn encode(ty: &Type, value: &Value) -> Result<Vec<u8>, NotThisType> {
    let mut encoder = Encoder { writer: Writer::with_capacity(rough_size(value)), path: Path::root() };
    let encoded = encoder.value(ty, value);
    finish(encoder, encoded)
}

fn finish(encoder: Encoder, encoded: Result<(), String>) -> Result<Vec<u8>, NotThisType> {
    match encoded {
        Ok(()) => Ok(encoder.writer.into_bytes()),
        Err(reason) => Err(NotThisType { path: encoder.path, reason }),
    }
}

fn rough_size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() + 5,
        Value::List(elements) | Value::Set(elements) | Value::Tuple(elements) => {
            elements.iter().map(rough_size).sum::<usize>() + 5
        }
        Value::Map(elements) => {
            elements.iter().map(|(key, value)| key.len() + 5 + rough_size(value)).sum::<usize>() + 5
        }
        Value::Object(object) => {
            object.iter().map(|(name, value)| name.len() + 5 + rough_size(value)).sum::<usize>() + 5
        }
        Value::Dynamic(dynamic) => rough_size(&dynamic.value) + 64,
        _ => 12,
    }
}

/// Reads values; on failure the path stays at the place.
struct Decoder<'a> {
    reader: Reader<'a>,
    path: Path,
    dynamic_depth: u32,
}

impl From<Malformed> for String {
    fn from(malformed: Malformed) -> Self {
        malformed.to_string()
    }
}

impl<'a> Decoder<'a> {
    fn value(&mut self, ty: &Type) -> Result<Value, String> {
        if *ty == Type::Dynamic {
            return self.dynamic();
        }
        match (self.reader.next()?, ty) {
            (Token::Nil, _) => Ok(Value::Null),
            (Token::Extension(kind, payload), _) => Ok(Value::Unknown(refinement(kind, payload))),
            (Token::Text(text), Type::String) => Ok(Value::from(text)),
            (Token::Bool(truth), Type::Bool) => Ok(Value::Bool(truth)),
            (token, Type::Number) => number(token).ok_or_else(|| mismatch(ty, token)),
            (Token::Array(length), Type::List(element)) => {
                self.elements(length, |_| element).map(Value::List)
            }
            (Token::Array(length), Type::Set(element)) => self.elements(length, |_| element).map(Value::Set),
            (Token::Array(length), Type::Tuple(elements)) if length == elements.len() => {
                self.elements(length, |index| &elements[index]).map(Value::Tuple)
            }
            (Token::Map(length), Type::Map(element)) => self.map(length, element),
            (Token::Map(length), Type::Object(object)) => self.object(length, &object.attributes),
            (token, _) => Err(mismatch(ty, token)),
        }
    }

    fn elements<'t>(&mut self, length: usize, ty: impl Fn(usize) -> &'t Type) -> Result<Vec<Value>, String> {
        // A short message can claim many elements, each of which costs more here than there.
        let mut elements = Vec::with_capacity(length.min(4096));
        for index in 0..length {
            self.path.push(Step::Index(index));
            elements.push(self.value(ty(index))?);
            self.path.pop();
        }
        Ok(elements)
    }

    fn map(&mut self, length: usize, element: &Type) -> Result<Value, String> {
        let mut entries = Vec::with_capacity(length.min(4096));
        for _ in 0..length {
            let key = self.key()?;
            self.path.push(Step::Key(key.to_owned()));
            let value = self.value(element)?;
            self.path.pop();
            entries.push((key.to_owned(), value));
        }
        // Terraform sorts keys, and sorted entries build the tree in linear time.
        Ok(Value::Map(entries.into_iter().collect::<BTreeMap<_, _>>()))
    }

    fn object(&mut self, length: usize, attributes: &BTreeMap<String, Type>) -> Result<Value, String> {
        let mut object = Vec::with_capacity(attributes.len());
        for _ in 0..length {
            let name = self.key()?;
            let ty = attributes.get(name).ok_or_else(|| format!("there is no attribute {name:?}"))?;
            self.path.push(Step::Attribute(name.to_owned()));
            let value = self.value(ty)?;
            self.path.pop();
            object.push((name.to_owned(), value));
        }
        let object: Object = object.into_iter().collect();
        match object.len() == attributes.len() {
            true => Ok(Value::Object(object)),
            false => Err(missing(attributes, &object)),
        }
    }

    fn key(&mut self) -> Result<&'a str, String> {
        match self.reader.next()? {
            Token::Text(key) => Ok(key),
            _ => Err("a key is not a string".to_owned()),
        }
    }

    fn dynamic(&mut self) -> Result<Value, String> {
        let format = self.reader.peek()?;
        match self.reader.next()? {
            Token::Nil => return Ok(Value::Null),
            Token::Extension(kind, payload) => return Ok(Value::Unknown(refinement(kind, payload))),
            Token::Array(2) => {}
            _ => return Err(Malformed::Unexpected("a pair of type and value", format).into()),
        }
        let json = match self.reader.next()? {
            Token::Bytes(json) => json,
            Token::Text(json) => json.as_bytes(),
            _ => return Err("the type of a dynamic value is not JSON".to_owned()),
        };
        let ty = Type::from_json_bytes(json).map_err(|error| error.to_string())?;
        self.dynamic_depth += 1;
        if self.dynamic_depth > DEEPEST_DYNAMIC {
            return Err("dynamic values nest too deeply".to_owned());
        }
        let value = self.value(&ty)?;
        self.dynamic_depth -= 1;
        Ok(if ty == Type::Dynamic { value } else { Value::dynamic(ty, value) })
    }
}

fn number(token: Token<'_>) -> Option<Value> {
    let number = match token {
        Token::Int(int) => Number::from(int),
        Token::UInt(int) => Number::from(int),
        Token::Float(float) => Number::from_wire_float(float)?,
        Token::Text(text) => text.parse().ok()?,
        _ => return None,
    };
    Some(Value::Number(number))
}

fn mismatch(ty: &Type, token: Token<'_>) -> String {
    // The value itself may be a secret: only its kind is named.
    let found = match token {
        Token::Nil => "null".to_owned(),
        Token::Bool(_) => "a bool".to_owned(),
        Token::Int(_) | Token::UInt(_) | Token::Float(_) => "a number".to_owned(),
        Token::Text(_) => "a string".to_owned(),
        Token::Bytes(_) => "bytes".to_owned(),
        Token::Array(length) => format!("{length} elements"),
        Token::Map(_) => "a map".to_owned(),
        Token::Extension(..) => "an unknown value".to_owned(),
    };
    format!("{ty} is required, found {found}")
}

fn missing(attributes: &BTreeMap<String, Type>, object: &Object) -> String {
    let given: std::collections::BTreeSet<&str> = object.iter().map(|(name, _)| name).collect();
    let missing = attributes.keys().find(|name| !given.contains(name.as_str()));
    format!("the attribute {:?} is missing or stands twice", missing.map_or("", String::as_str))
}

/// Reads what is known of an unknown value; what cannot be read is not known.
fn refinement(kind: i8, payload: &[u8]) -> Option<Box<Refinement>> {
    if kind != REFINED_UNKNOWN {
        return None;
    }
    let mut reader = Reader::new(payload);
    let Ok(Token::Map(length)) = reader.next() else { return None };
    let mut refinement = Refinement::default();
    for _ in 0..length {
        let Ok(Token::Int(field)) = reader.next() else { break };
        if read_refinement(&mut refinement, field, &mut reader).is_none() {
            break;
        }
    }
    Some(Box::new(refinement))
}

fn read_refinement(refinement: &mut Refinement, field: i64, reader: &mut Reader<'_>) -> Option<()> {
    let token = reader.next().ok()?;
    match (field, token) {
        (1, Token::Bool(null)) => refinement.null = Some(null),
        (2, Token::Text(prefix)) => refinement.prefix = Some(prefix.to_owned()),
        (3, Token::Array(2)) => refinement.lower_bound = Some(read_bound(reader)?),
        (4, Token::Array(2)) => refinement.upper_bound = Some(read_bound(reader)?),
        (5, Token::Int(length)) => refinement.shortest = u64::try_from(length).ok(),
        (5, Token::UInt(length)) => refinement.shortest = Some(length),
        (6, Token::Int(length)) => refinement.longest = u64::try_from(length).ok(),
        (6, Token::UInt(length)) => refinement.longest = Some(length),
        // Later versions may add fields; one that is not a collection can be passed over.
        (_, Token::Array(_) | Token::Map(_)) => return None,
        _ => {}
    }
    Some(())
}

fn read_bound(reader: &mut Reader<'_>) -> Option<(Number, bool)> {
    let Value::Number(bound) = number(reader.next().ok()?)? else { return None };
    match reader.next().ok()? {
        Token::Bool(inclusive) => Some((bound, inclusive)),
        _ => None,
    }
}

/// Writes values; on failure the path stays at the place.
struct Encoder {
    writer: Writer,
    path: Path,
}

impl Encoder {
    fn block(&mut self, block: &Block, object: &Object) -> Result<(), String> {
        self.writer.map(block.attributes.len() + block.blocks.len());
        for (name, attribute) in &block.attributes {
            self.named(name, |encoder| encoder.value(&attribute.ty, object.get(name)))?;
        }
        for (name, nested) in &block.blocks {
            self.named(name, |encoder| encoder.nested(nested, object.get(name)))?;
        }
        Ok(())
    }

    fn named(
        &mut self,
        name: &str,
        write: impl FnOnce(&mut Self) -> Result<(), String>,
    ) -> Result<(), String> {
        self.path.push(Step::Attribute(name.to_owned()));
        self.writer.text(name);
        write(self)?;
        self.path.pop();
        Ok(())
    }

    fn nested(&mut self, nested: &NestedBlock, value: &Value) -> Result<(), String> {
        match (nested.nesting, value) {
            (_, Value::Unknown(_)) => self.writer.unknown(),
            (_, Value::Dynamic(dynamic)) => self.dynamic(&dynamic.ty, &dynamic.value)?,
            (Nesting::Single, Value::Null) => self.writer.nil(),
            (Nesting::Single | Nesting::Group, Value::Object(object)) => self.block(&nested.block, object)?,
            (Nesting::Group, Value::Null) => self.block(&nested.block, &Object::new())?,
            (Nesting::List | Nesting::Map, value) if nested.ty() == Type::Dynamic => {
                self.dynamic_block(nested, value)?
            }
            (Nesting::List | Nesting::Set, Value::Null) => self.writer.array(0),
            (Nesting::Map, Value::Null) => self.writer.map(0),
            (Nesting::List | Nesting::Set, Value::List(elements) | Value::Set(elements)) => {
                self.writer.array(elements.len());
                for (index, element) in elements.iter().enumerate() {
                    self.nested_object(Step::Index(index), &nested.block, element)?;
                }
            }
            (Nesting::Map, Value::Map(elements)) => {
                self.writer.map(elements.len());
                for (key, element) in elements {
                    self.writer.text(key);
                    self.nested_object(Step::Key(key.clone()), &nested.block, element)?;
                }
            }
            (_, value) => return Err(unfitting(&nested.ty(), value)),
        }
        Ok(())
    }

    fn nested_object(&mut self, step: Step, block: &Block, value: &Value) -> Result<(), String> {
        self.path.push(step);
        match value {
            Value::Object(object) => self.block(block, object)?,
            Value::Unknown(_) => self.writer.unknown(),
            other => return Err(unfitting(&block.ty(), other)),
        }
        self.path.pop();
        Ok(())
    }

    /// Writes the elements of a list or map block that may differ in type: a tuple or an object.
    fn dynamic_block(&mut self, nested: &NestedBlock, value: &Value) -> Result<(), String> {
        let element_type = nested.block.ty();
        let precise = |value: &Value| precise_type(&element_type, value);
        let ty = match value {
            Value::Null if nested.nesting == Nesting::Map => Type::object::<String>([]),
            Value::Null => Type::Tuple(Vec::new()),
            Value::Map(elements) => Type::object(elements.iter().map(|(key, value)| (key, precise(value)))),
            other => Type::Tuple(other.elements().iter().map(precise).collect()),
        };
        match value {
            Value::Null if nested.nesting == Nesting::Map => self.dynamic(&ty, &Value::from(Object::new())),
            Value::Null => self.dynamic(&ty, &Value::Tuple(Vec::new())),
            other => self.dynamic(&ty, other),
        }
    }

    fn value(&mut self, ty: &Type, value: &Value) -> Result<(), String> {
        match (ty, value) {
            (_, Value::Unknown(_)) => self.writer.unknown(),
            (Type::Dynamic, Value::Null) => self.writer.nil(),
            (Type::Dynamic, Value::Dynamic(dynamic)) => self.dynamic(&dynamic.ty, &dynamic.value)?,
            (Type::Dynamic, value) => self.dynamic(&value.infer_type(), value)?,
            (ty, Value::Dynamic(dynamic)) => self.value(ty, &dynamic.value)?,
            (_, Value::Null) => self.writer.nil(),
            (Type::String, Value::String(text)) => self.writer.text(text),
            (Type::Bool, Value::Bool(truth)) => self.writer.bool(*truth),
            (Type::Number, Value::Number(number)) => self.number(number),
            (Type::List(element), Value::List(elements))
            | (Type::Set(element), Value::Set(elements) | Value::List(elements)) => {
                self.elements(elements, |_| element)?;
            }
            (Type::Tuple(types), Value::Tuple(elements) | Value::List(elements))
                if types.len() == elements.len() =>
            {
                self.elements(elements, |index| &types[index])?;
            }
            (Type::Map(element), Value::Map(elements)) => {
                self.entries(
                    elements.len(),
                    elements.iter().map(|(key, value)| (key.as_str(), value)),
                    |_| element,
                )?;
            }
            (Type::Map(element), Value::Object(object)) => {
                self.entries(object.len(), object.iter(), |_| element)?
            }
            (Type::Object(object), Value::Object(value)) => {
                self.object(&object.attributes, |name| value.get(name))?
            }
            (Type::Object(object), Value::Map(value)) => {
                self.object(&object.attributes, |name| value.get(name).unwrap_or(&Value::Null))?;
            }
            (ty, value) => return Err(unfitting(ty, value)),
        }
        Ok(())
    }

    fn number(&mut self, number: &Number) {
        match number.form() {
            NumberForm::Int(int) => self.writer.int(*int),
            NumberForm::UInt(int) => self.writer.uint(*int),
            NumberForm::Float(float) => self.writer.float(*float),
            NumberForm::Text(text) => self.writer.text(text),
        }
    }

    fn elements<'t>(&mut self, elements: &[Value], ty: impl Fn(usize) -> &'t Type) -> Result<(), String> {
        self.writer.array(elements.len());
        for (index, element) in elements.iter().enumerate() {
            self.path.push(Step::Index(index));
            self.value(ty(index), element)?;
            self.path.pop();
        }
        Ok(())
    }

    fn entries<'v, 't>(
        &mut self,
        length: usize,
        entries: impl Iterator<Item = (&'v str, &'v Value)>,
        ty: impl Fn(&str) -> &'t Type,
    ) -> Result<(), String> {
        self.writer.map(length);
        for (key, value) in entries {
            self.path.push(Step::Key(key.to_owned()));
            self.writer.text(key);
            self.value(ty(key), value)?;
            self.path.pop();
        }
        Ok(())
    }

    fn object<'v>(
        &mut self,
        attributes: &BTreeMap<String, Type>,
        value_of: impl Fn(&str) -> &'v Value,
    ) -> Result<(), String> {
        self.writer.map(attributes.len());
        for (name, ty) in attributes {
            self.named(name, |encoder| encoder.value(ty, value_of(name)))?;
        }
        Ok(())
    }

    fn dynamic(&mut self, ty: &Type, value: &Value) -> Result<(), String> {
        // Null and unknown of no type have no wrapper.
        if *ty == Type::Dynamic {
            return self.value(ty, value);
        }
        self.writer.array(2);
        self.writer.bytes(&ty.to_json_bytes());
        self.value(ty, value)
    }
}

/// Fills in the types of the dynamic parts from the value.
fn precise_type(ty: &Type, value: &Value) -> Type {
    match (ty, value) {
        (Type::Dynamic, value) => value.infer_type(),
        (Type::Object(object), Value::Object(value)) => {
            Type::object(object.attributes.iter().map(|(name, ty)| (name, precise_type(ty, value.get(name)))))
        }
        (ty, _) => ty.clone(),
    }
}

fn unfitting(ty: &Type, value: &Value) -> String {
    let found = match value {
        Value::Null => "null",
        Value::Unknown(_) => "an unknown value",
        Value::Bool(_) => "a bool",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::List(_) => "a list",
        Value::Set(_) => "a set",
        Value::Tuple(_) => "a tuple",
        Value::Map(_) => "a map",
        Value::Object(_) => "an object",
        Value::Dynamic(_) => "a dynamic value",
    };
    format!("{ty} is required, found {found}")
}

#[cfg(test)]
#[path = "dynamic_value_tests.rs"]
mod tests;
