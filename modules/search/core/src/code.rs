//! The code words before the texts of errors.

/// The first word of an error, as RediSearch 8 sends it.
///
/// RediSearch 2.10 sends the same texts without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// A value of FT.CREATE's head, or a `PARAMS` list, is bad.
    AddArgs,
    /// `EF_RUNTIME` with a policy that does not search the graph.
    AdhocEffort,
    /// `BATCH_SIZE` with a policy without batches.
    AdhocBatchSize,
    /// A word that stands for nothing.
    ArgUnrecognized,
    /// A field's name stands twice.
    FieldDup,
    /// An attribute of a hybrid query where nothing is filtered.
    HybridAttribute,
    /// No such policy.
    HybridPolicy,
    /// A limit is exceeded.
    LimitOver,
    /// An option that does not exist.
    OptionInvalid,
    /// A parameter stands twice.
    ParamDup,
    /// A parameter that is not in the list.
    ParamNotFound,
    /// Arguments of the wrong number or kind.
    ParseArgs,
    /// A property that is not in the schema.
    PropNotFound,
    /// The query asks of a field what it cannot do.
    QueryBad,
    /// The text of the query is too long.
    QueryStringBad,
    /// An attribute of a range query elsewhere.
    RangeAttribute,
    /// The text of the query is malformed.
    Syntax,
    /// A kind of field that is not served.
    TypeUnsupported,
    /// A value out of its range.
    ValueBad,
}

impl Code {
    /// The word as it is sent.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::AddArgs => "SEARCH_ADD_ARGS",
            Self::AdhocEffort => "SEARCH_ADHOC_EF_RUNTIME_IRRELEVANT",
            Self::AdhocBatchSize => "SEARCH_ADHOC_BATCH_SIZE_IRRELEVANT",
            Self::ArgUnrecognized => "SEARCH_ARG_UNRECOGNIZED",
            Self::FieldDup => "SEARCH_FIELD_DUP",
            Self::HybridAttribute => "SEARCH_HYBRID_ATTR_NON_HYBRID",
            Self::HybridPolicy => "SEARCH_HYBRID_POLICY_BAD",
            Self::LimitOver => "SEARCH_LIMIT_OVER",
            Self::OptionInvalid => "SEARCH_OPTION_INVALID",
            Self::ParamDup => "SEARCH_PARAM_DUP",
            Self::ParamNotFound => "SEARCH_PARAM_NOT_FOUND",
            Self::ParseArgs => "SEARCH_PARSE_ARGS",
            Self::PropNotFound => "SEARCH_PROP_NOT_FOUND",
            Self::QueryBad => "SEARCH_QUERY_BAD",
            Self::QueryStringBad => "SEARCH_QUERY_STRING_BAD",
            Self::RangeAttribute => "SEARCH_RANGE_ATTR_NON_RANGE",
            Self::Syntax => "SEARCH_SYNTAX",
            Self::TypeUnsupported => "SEARCH_TYPE_UNSUP",
            Self::ValueBad => "SEARCH_VALUE_BAD",
        }
    }
}

/// An error that has a code word and a text.
pub trait Coded {
    /// The code word.
    fn code(&self) -> Code;
    /// The text behind it, as RediSearch 2.10 sends it.
    fn text(&self) -> String;
}

/// The bytes as text, what is not UTF-8 replaced.
pub(crate) fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
