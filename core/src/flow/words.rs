//! Enums whose values have a stable word and a Chinese and an English name.

/// Declares an enum of words: a variant, its stable word, its Chinese and its English name.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal, $zh:literal, $en:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [$name] = &[$($name::$variant,)+];

            /// The stable word used in the database, the API and files.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word,)+ }
            }

            /// The value with this word.
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == word)
            }

            /// 中文名称
            pub const fn zh(self) -> &'static str {
                match self { $($name::$variant => $zh,)+ }
            }

            /// English name.
            pub const fn en(self) -> &'static str {
                match self { $($name::$variant => $en,)+ }
            }
        }
    };
}

pub(crate) use words;
