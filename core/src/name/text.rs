//! A type for each kind of text.

/// A text in a type of its own. The first rule is for people, the second one, if there is one, for
/// what was kept under the first.
macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $error:ty, $parse:expr) => {
        text!($(#[$doc])* $name, $error, $parse, kept: $parse);
    };
    ($(#[$doc:meta])* $name:ident, $error:ty, $parse:expr, kept: $kept:expr) => {
        $(#[$doc])*
        // Shared, because one text is in many places: a name in every line and receipt, a body in a
        // command and its event.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// Parses and normalises.
            ///
            /// # Errors
            /// What is wrong with the text, in words for the person who typed it.
            pub fn parse(text: &str) -> Result<Self, $error> {
                let parse: fn(&str) -> Result<String, $error> = $parse;
                parse(text).map(|text| Self(text.into()))
            }

            /// The text as it is kept.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = $error;

            /// Takes what was kept, as it is.
            fn try_from(text: String) -> Result<Self, $error> {
                let kept: fn(&str) -> Result<String, $error> = $kept;
                kept(&text).map(|text| Self(text.into()))
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.as_str().to_owned()
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, $error> {
                Self::parse(text)
            }
        }
    };
}

pub(super) use text;
