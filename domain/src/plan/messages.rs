//! stub until merged
use crate::message::Occasion;
use std::collections::BTreeMap;
/// t
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Messages {
    /// t
    pub templates: BTreeMap<Occasion, String>,
}
/// t
pub struct Words<'a> {
    /// t
    pub order: u64,
    /// t
    pub offering: u64,
    /// t
    pub name: &'a str,
    /// t
    pub customer: &'a str,
    /// t
    pub market: &'a str,
    /// t
    pub points: u64,
}
impl Messages {
    /// t
    #[must_use]
    pub fn text(&self, occasion: Occasion, _words: &Words<'_>) -> Option<String> {
        self.templates.get(&occasion).cloned()
    }
    /// t
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.templates.is_empty()
    }
}
