//! One walk over guest-visible state, for save and load alike.

use crate::base::Result;
use crate::error;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// A tree of named items that a walk fills or is filled from.
pub struct State {
    items: Map<String, Value>,
    loading: bool,
}

impl State {
    /// An empty state that the next walk fills.
    pub fn saving() -> State {
        State { items: Map::new(), loading: false }
    }

    /// The state in `value` (what [`into_value`](State::into_value) gave), for a walk that loads it.
    ///
    /// # Errors
    /// When `value` is not a table.
    pub fn loading(value: Value) -> Result<State> {
        match value {
            Value::Object(items) => Ok(State { items, loading: true }),
            _ => Err(error!("saved state is not a table")),
        }
    }

    /// Whether this walk loads.
    pub fn is_loading(&self) -> bool {
        self.loading
    }

    /// Saves `item` under `name`, or loads it.
    ///
    /// # Errors
    /// On load, when the item is missing or of another shape.
    pub fn item<T: Serialize + DeserializeOwned>(&mut self, name: &str, item: &mut T) -> Result<()> {
        if self.loading {
            let value = self.items.remove(name).ok_or_else(|| error!("saved state lacks '{name}'"))?;
            *item = serde_json::from_value(value).map_err(|e| error!("saved '{name}' does not fit: {e}"))?;
        } else {
            let value = serde_json::to_value(&*item).map_err(|e| error!("'{name}' cannot be saved: {e}"))?;
            self.items.insert(name.into(), value);
        }
        Ok(())
    }

    /// The whole tree.
    pub fn into_value(self) -> Value {
        Value::Object(self.items)
    }
}
