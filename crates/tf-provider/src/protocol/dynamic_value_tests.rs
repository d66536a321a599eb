//! Vectors as go-cty writes them, and round trips of generated values.

use super::*;
use crate::schema::Attribute;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hex"))
        .collect()
}

/// Checks that bytes of go-cty's read as a value and that the value is written as the same bytes.
fn check(ty: &Type, bytes: &[u8], value: &Value) {
    assert_eq!(decode(bytes, ty).as_ref(), Ok(value), "{ty}: {bytes:x?}");
    assert_eq!(encode(ty, value).as_deref(), Ok(bytes), "{ty}: {value:?}");
}

fn check_hex(ty: &Type, bytes: &str, value: impl Into<Value>) {
    check(ty, &hex(bytes), &value.into());
}

#[test]
fn primitives_are_single_tokens() {
    check_hex(&Type::String, "a5 68 65 6c 6c 6f", "hello");
    check_hex(&Type::String, "a0", "");
    check_hex(&Type::String, "c0", Value::Null);
    check_hex(&Type::Bool, "c3", true);
    check_hex(&Type::Bool, "c2", false);
    check_hex(&Type::Number, "05", 5);
    check_hex(&Type::Number, "cc ff", 255);
    check_hex(&Type::Number, "d1 ff 00", -256);
    check_hex(&Type::Number, "cf ff ff ff ff ff ff ff ff", u64::MAX);
}

#[test]
fn numbers_leave_in_the_form_they_came_in() {
    for bytes in [
        "05",
        "cb 3f e0 00 00 00 00 00 00",
        "cb 7f f0 00 00 00 00 00 00",
        "cb ff f0 00 00 00 00 00 00",
        "a3 30 2e 31",
        "a5 2d 30 2e 31 30",
        "b4 31 32 33 34 35 36 37 38 39 30 31 32 33 34 35 36 37 38 39 30",
    ] {
        let read = decode(&hex(bytes), &Type::Number).expect(bytes);
        assert_eq!(encode(&Type::Number, &read), Ok(hex(bytes)), "{bytes}");
    }
}

#[test]
fn collections_are_arrays_and_maps() {
    check_hex(&Type::list(Type::String), "92 a1 61 a1 62", Value::list(["a", "b"]));
    check_hex(&Type::list(Type::String), "90", Value::List(Vec::new()));
    check_hex(&Type::set(Type::Number), "92 01 02", Value::set([1, 2]));
    check_hex(&Type::map(Type::Bool), "81 a1 61 c3", Value::map([("a", true)]));
    let tuple = Type::Tuple(vec![Type::String, Type::Number]);
    check_hex(&tuple, "92 a1 61 c0", Value::Tuple(vec!["a".into(), Value::Null]));
    let object = Type::object([("a", Type::String), ("b", Type::Bool)]);
    check_hex(&object, "82 a1 61 a1 78 a1 62 c0", Object::new().with("a", "x").with("b", Value::Null));
}

#[test]
fn any_extension_is_unknown_and_leaves_plain() {
    let check = |bytes: &str, expected: Option<Refinement>| {
        let read = decode(&hex(bytes), &Type::String).expect(bytes);
        let Value::Unknown(refinement) = &read else { panic!("{bytes}: {read:?}") };
        assert_eq!(refinement.as_deref(), expected.as_ref(), "{bytes}");
        assert_eq!(encode(&Type::String, &read), Ok(hex("d4 00 00")), "{bytes}");
    };
    check("d4 00 00", None);
    check("c7 00 00", None);
    check("c7 03 0c 81 01 c2", Some(Refinement { null: Some(false), ..Refinement::default() }));
    check(
        "c7 09 0c 82 01 c2 02 a4 61 6d 69 2d",
        Some(Refinement { null: Some(false), prefix: Some("ami-".to_owned()), ..Refinement::default() }),
    );
    check(
        "c7 0b 0c 83 03 92 01 c3 04 92 05 c2 06 07",
        Some(Refinement {
            lower_bound: Some((1_i64.into(), true)),
            upper_bound: Some((5_i64.into(), false)),
            longest: Some(7),
            ..Refinement::default()
        }),
    );
    // A field of a later version, and garbage: the value stays unknown.
    check("c7 05 0c 82 63 01 01 c2", Some(Refinement { null: Some(false), ..Refinement::default() }));
    check("c7 02 0c c1 c1", None);
    check("d6 0c 81 01 c3 00", Some(Refinement { null: Some(true), ..Refinement::default() }));
}

#[test]
fn dynamic_values_bring_their_type() {
    check_hex(&Type::Dynamic, "92 c4 08 22 73 74 72 69 6e 67 22 a1 61", Value::dynamic(Type::String, "a"));
    check_hex(
        &Type::Dynamic,
        "92 c4 08 22 73 74 72 69 6e 67 22 c0",
        Value::dynamic(Type::String, Value::Null),
    );
    check_hex(&Type::Dynamic, "c0", Value::Null);
    check_hex(&Type::Dynamic, "d4 00 00", Value::unknown());
    let list = Type::list(Type::Dynamic);
    check_hex(&list, "91 92 c4 06 22 62 6f 6f 6c 22 c3", Value::List(vec![Value::dynamic(Type::Bool, true)]));
    // A value without its type gets the one that fits.
    assert_eq!(encode(&Type::Dynamic, &"a".into()), Ok(hex("92 c4 08 22 73 74 72 69 6e 67 22 a1 61")));
    // A null inside a tuple has the type "dynamic".
    let tuple = Value::Tuple(vec![Value::Null, Value::from(true)]);
    let bytes = encode(&Type::Dynamic, &tuple).expect("it encodes");
    let expected = Value::dynamic(Type::Tuple(vec![Type::Dynamic, Type::Bool]), tuple);
    assert_eq!(decode(&bytes, &Type::Dynamic), Ok(expected));
}

fn block_of(nesting: fn(Block) -> NestedBlock) -> Block {
    let inner = Block::new().attribute("a", Attribute::optional(Type::Bool));
    Block::new().block("b", nesting(inner))
}

#[test]
fn blocks_that_are_left_out_have_the_form_of_their_nesting() {
    let check = |nesting: fn(Block) -> NestedBlock, expected: &str| {
        assert_eq!(encode_block(&block_of(nesting), Some(&Object::new())), Ok(hex(expected)));
    };
    check(NestedBlock::single, "81 a1 62 c0");
    check(NestedBlock::list, "81 a1 62 90");
    check(NestedBlock::set, "81 a1 62 90");
    check(NestedBlock::map, "81 a1 62 80");
    check(NestedBlock::group, "81 a1 62 81 a1 61 c0");
    assert_eq!(encode_block(&Block::new(), None), Ok(hex("c0")));
}

#[test]
fn blocks_read_back_as_objects() {
    for (nesting, value) in [
        (NestedBlock::single as fn(Block) -> NestedBlock, Value::from(Object::new().with("a", true))),
        (
            NestedBlock::list,
            Value::list([Object::new().with("a", true), Object::new().with("a", Value::unknown())]),
        ),
        (NestedBlock::set, Value::set([Object::new().with("a", true)])),
        (NestedBlock::map, Value::map([("k", Object::new().with("a", false))])),
        (NestedBlock::list, Value::unknown()),
    ] {
        let block = block_of(nesting);
        let object = Object::new().with("b", value);
        let bytes = encode_block(&block, Some(&object)).expect("it encodes");
        assert_eq!(decode(&bytes, &block.ty()), Ok(Value::Object(object)));
    }
}

#[test]
fn a_list_block_with_a_dynamic_attribute_is_dynamic_as_a_whole() {
    let inner = Block::new().attribute("a", Attribute::optional(Type::Dynamic));
    let block = Block::new().block("b", NestedBlock::list(inner));
    let elements = Value::list([Object::new().with("a", "x"), Object::new().with("a", 1)]);
    let bytes = encode_block(&block, Some(&Object::new().with("b", elements))).expect("it encodes");
    let Ok(Value::Object(read)) = decode(&bytes, &block.ty()) else { panic!("it decodes") };
    let types: Vec<String> =
        read.blocks("b").iter().map(|block| block.get("a").infer_type().to_string()).collect();
    assert_eq!(types, ["string", "number"]);
    // What came from Terraform leaves as it came.
    assert_eq!(encode_block(&block, Some(&read)), Ok(bytes));
}

#[test]
fn errors_name_the_place_and_never_the_value() {
    let check = |ty: &Type, bytes: &str, expected: &str| {
        assert_eq!(decode(&hex(bytes), ty).expect_err(bytes).to_string(), expected);
    };
    let object = Type::object([("a", Type::list(Type::Bool))]);
    check(&object, "81 a1 61 92 c3 a1 78", "a[1]: bool is required, found a string");
    check(&object, "81 a1 62 c0", "there is no attribute \"b\"");
    check(&object, "80", "the attribute \"a\" is missing or stands twice");
    check(&Type::String, "a1 61 c0", "there are bytes after the value");
    check(&Type::String, "a2 61", "the message ends too early");
    check(&Type::String, "a1 ff", "a string is not UTF-8");
    check(&Type::Number, "a1 78", "number is required, found a string");
    check(&Type::Number, "cb 7f f8 00 00 00 00 00 00", "number is required, found a number");
    check(&Type::Tuple(vec![]), "91 c0", "tuple([]) is required, found 1 elements");
    check(&Type::Dynamic, "92 c4 01 7b c0", "not a type: EOF while parsing an object at line 1 column 1");
    check(&Type::Dynamic, "a1 61", "a pair of type and value is required, found format 0xa1");
}

#[test]
fn an_author_hears_where_a_value_does_not_fit() {
    let block = block_of(NestedBlock::list);
    let check = |object: Object, expected: &str| {
        assert_eq!(encode_block(&block, Some(&object)).expect_err(expected).to_string(), expected);
    };
    check(
        Object::new().with("b", Value::list([Object::new().with("a", "x")])),
        "b[0].a: bool is required, found a string",
    );
    check(Object::new().with("b", "x"), "b: list(object({ a = bool })) is required, found a string");
}

#[test]
fn dynamic_values_cannot_exhaust_the_stack() {
    let mut bytes = vec![0xc0];
    for _ in 0..1_000 {
        let mut outer = hex("92 c4 09");
        outer.extend_from_slice(b"\"dynamic\"");
        outer.extend_from_slice(&bytes);
        bytes = outer;
    }
    let error = decode(&bytes, &Type::Dynamic).expect_err("too deep");
    assert_eq!(error.reason, "dynamic values nest too deeply");
}

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn ty(&mut self, depth: u32) -> Type {
        match self.roll(if depth == 0 { 3 } else { 9 }) {
            0 => Type::String,
            1 => Type::Number,
            2 => Type::Bool,
            3 => Type::Dynamic,
            4 => Type::list(self.ty(depth - 1)),
            5 => Type::set(self.ty(depth - 1)),
            6 => Type::map(self.ty(depth - 1)),
            7 => Type::Tuple((0..self.roll(4)).map(|_| self.ty(depth - 1)).collect()),
            _ => Type::object((0..self.roll(20)).map(|index| (format!("f{index}"), self.ty(depth - 1)))),
        }
    }

    fn value(&mut self, ty: &Type) -> Value {
        match self.roll(10) {
            0 => return Value::Null,
            1 => return Value::unknown(),
            _ => {}
        }
        let count = self.roll(20);
        match ty {
            Type::String => Value::from("ö".repeat(self.roll(70) as usize)),
            Type::Number => self.number(),
            Type::Bool => Value::from(self.roll(2) == 0),
            Type::Dynamic => {
                let inner = self.ty(1);
                // A dynamic value of the type "dynamic" is the value itself.
                if inner == Type::Dynamic {
                    Value::Null
                } else {
                    Value::dynamic(inner.clone(), self.value(&inner))
                }
            }
            Type::List(element) => Value::List((0..count).map(|_| self.value(element)).collect()),
            Type::Set(element) => Value::Set((0..count).map(|_| self.value(element)).collect()),
            Type::Map(element) => {
                Value::Map((0..count).map(|index| (format!("k{index}"), self.value(element))).collect())
            }
            Type::Tuple(elements) => {
                Value::Tuple(elements.iter().map(|element| self.value(element)).collect())
            }
            Type::Object(object) => {
                let attributes = object.attributes.iter();
                Value::Object(attributes.map(|(name, ty)| (name.clone(), self.value(ty))).collect())
            }
        }
    }

    fn number(&mut self) -> Value {
        let (sign, power) = (if self.roll(2) == 0 { 1 } else { -1 }, self.roll(63));
        match self.roll(3) {
            0 => Value::from(sign * (1_i64 << power)),
            1 => Value::Number(Number::from_wire_float(sign as f64 / 8.0).expect("not NaN")),
            _ => Value::Number(format!("{}.{}1", sign, self.roll(1_000_000)).parse().expect("a number")),
        }
    }
}

#[test]
fn generated_values_read_back() {
    let mut dice = Dice(1);
    for round in 0..150 {
        let ty = dice.ty(3);
        let value = dice.value(&ty);
        let bytes = encode(&ty, &value).unwrap_or_else(|error| panic!("round {round}: {error}"));
        let read = decode(&bytes, &ty).unwrap_or_else(|error| panic!("round {round}: {ty}: {error}"));
        assert_eq!(read, value, "round {round}: {ty}");
        assert_eq!(encode(&ty, &read), Ok(bytes), "round {round}: {ty}");
    }
}

#[test]
fn damaged_messages_are_refused_without_a_panic() {
    let mut dice = Dice(7);
    for _ in 0..150 {
        let ty = dice.ty(3);
        let value = dice.value(&ty);
        let mut bytes = encode(&ty, &value).expect("it encodes");
        let place = dice.roll(bytes.len() as u64) as usize;
        bytes[place] = dice.roll(256) as u8;
        bytes.truncate(bytes.len() - dice.roll(2) as usize);
        // Right or wrong, it must come back.
        let _ = decode(&bytes, &ty);
    }
}

#[test]
fn large_messages_take_time_in_proportion() {
    let ty = Type::object([("manifests", Type::map(Type::String))]);
    let value = |objects: usize| {
        let elements =
            (0..objects).map(|index| (format!("apps/v1/Deployment/ns/app-{index}"), "x".repeat(1000)));
        Value::from(Object::new().with("manifests", Value::map(elements)))
    };
    let time = |value: &Value| {
        let start = std::time::Instant::now();
        let bytes = encode(&ty, value).expect("it encodes");
        assert_eq!(decode(&bytes, &ty).as_ref(), Ok(value));
        start.elapsed()
    };
    let (small, large) = (value(800), value(8_000));
    let (small, large) = (time(&small).max(time(&small)), time(&large).min(time(&large)));
    // Ten times the size; quadratic work would be a hundred times.
    assert!(large < small * 50 + std::time::Duration::from_millis(50), "{small:?} and {large:?}");
}
