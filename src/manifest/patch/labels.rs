//! Label selectors in Kubernetes' notation (`apimachinery/pkg/labels`): `app=web,tier in (front, back),!canary,size>3`.

use std::collections::BTreeMap;

/// A selector: all of its requirements must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Labels(Vec<Requirement>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    demand: Demand,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Demand {
    Present,
    Absent,
    In(Vec<String>),
    NotIn(Vec<String>),
    Above(i64),
    Below(i64),
}

impl Labels {
    /// Reads a selector; an empty text selects everything.
    ///
    /// # Errors
    /// With what is wrong about it.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let mut words = Words { rest: text };
        let mut requirements = Vec::new();
        if words.peek().is_empty() {
            return Ok(Self::default());
        }
        loop {
            requirements.push(words.requirement()?);
            match words.next() {
                "," => {}
                "" => return Ok(Self(requirements)),
                other => return Err(format!("{other:?} stands where a comma or the end should be")),
            }
        }
    }

    /// Tells whether labels satisfy it.
    pub(super) fn select(&self, labels: &BTreeMap<&str, &str>) -> bool {
        self.0.iter().all(|requirement| requirement.holds(labels.get(requirement.key.as_str()).copied()))
    }
}

impl Requirement {
    fn holds(&self, value: Option<&str>) -> bool {
        let is_one_of = |values: &[String]| value.is_some_and(|value| values.iter().any(|one| one == value));
        let number = || value.and_then(|value| value.parse::<i64>().ok());
        match &self.demand {
            Demand::Present => value.is_some(),
            Demand::Absent => value.is_none(),
            Demand::In(values) => is_one_of(values),
            Demand::NotIn(values) => !is_one_of(values),
            Demand::Above(bound) => number().is_some_and(|number| number > *bound),
            Demand::Below(bound) => number().is_some_and(|number| number < *bound),
        }
    }
}

/// The words of a selector: names, and the signs between them.
struct Words<'a> {
    rest: &'a str,
}

const SIGNS: [char; 7] = [',', '(', ')', '=', '!', '<', '>'];

impl<'a> Words<'a> {
    fn peek(&self) -> &'a str {
        let text = self.rest.trim_start();
        let length = match text.chars().next() {
            None => 0,
            Some(_) if ["==", "!="].iter().any(|sign| text.starts_with(sign)) => 2,
            Some(first) if SIGNS.contains(&first) => 1,
            Some(_) => text
                .find(|letter: char| letter.is_whitespace() || SIGNS.contains(&letter))
                .unwrap_or(text.len()),
        };
        &text[..length]
    }

    fn next(&mut self) -> &'a str {
        let word = self.peek();
        self.rest = &self.rest.trim_start()[word.len()..];
        word
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let absent = self.peek() == "!";
        if absent {
            self.next();
        }
        let key = self.name("a label's name")?;
        if absent {
            return Ok(Requirement { key, demand: Demand::Absent });
        }
        if matches!(self.peek(), "" | ",") {
            return Ok(Requirement { key, demand: Demand::Present });
        }
        let demand = match self.next() {
            "=" | "==" => Demand::In(vec![self.value()]),
            "!=" => Demand::NotIn(vec![self.value()]),
            "in" => Demand::In(self.values()?),
            "notin" => Demand::NotIn(self.values()?),
            ">" => Demand::Above(self.number()?),
            "<" => Demand::Below(self.number()?),
            other => return Err(format!("{other:?} stands where =, !=, in, notin, > or < should be")),
        };
        Ok(Requirement { key, demand })
    }

    fn name(&mut self, what: &str) -> Result<String, String> {
        match self.next() {
            "" => Err(format!("{what} is missing at the end")),
            word if word.starts_with(SIGNS) => Err(format!("{word:?} stands where {what} should be")),
            word => Ok(word.to_owned()),
        }
    }

    /// Reads a value; an empty one is a value too.
    fn value(&mut self) -> String {
        if matches!(self.peek(), "," | ")" | "") { String::new() } else { self.next().to_owned() }
    }

    fn values(&mut self) -> Result<Vec<String>, String> {
        if self.next() != "(" {
            return Err("a list of values in brackets is missing".to_owned());
        }
        let mut values = Vec::new();
        loop {
            values.push(self.value());
            match self.next() {
                "," => {}
                ")" => return Ok(values),
                _ => return Err("a list of values is not closed".to_owned()),
            }
        }
    }

    fn number(&mut self) -> Result<i64, String> {
        let word = self.name("a number")?;
        word.parse().map_err(|_| format!("{word:?} is no whole number"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(selector: &str, expected: Result<bool, &str>) {
        let labels = BTreeMap::from([("app", "web"), ("a.b/tier", "front"), ("size", "3"), ("none", "")]);
        let selected = Labels::read(selector).map(|selector| selector.select(&labels));
        assert_eq!(
            selected.as_ref().copied(),
            expected.map_err(str::to_owned).as_ref().copied(),
            "{selector}"
        );
    }

    #[test]
    fn selectors_are_read_as_kubernetes_reads_them() {
        check("", Ok(true));
        check("app=web", Ok(true));
        check(" app == web , a.b/tier in ( back, front )", Ok(true));
        check("app!=web", Ok(false));
        check("other!=web", Ok(true));
        check("other notin (web)", Ok(true));
        check("app,!other", Ok(true));
        check("!app", Ok(false));
        check("size>2,size<4", Ok(true));
        check("app>2", Ok(false));
        check("none=", Ok(true));
        check("app=", Ok(false));
        check("app in (web", Err("a list of values is not closed"));
        check("app web", Err("\"web\" stands where =, !=, in, notin, > or < should be"));
        check("app=web tier", Err("\"tier\" stands where a comma or the end should be"));
        check("=web", Err("\"=\" stands where a label's name should be"));
        check("size>x", Err("\"x\" is no whole number"));
        check("app=web,", Err("a label's name is missing at the end"));
    }
}
