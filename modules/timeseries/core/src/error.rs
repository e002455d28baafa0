//! What goes wrong in TS.*, and its text on the wire, as observed from RedisTimeSeries 8.8.0 and of
//! the 8.10 line.

use std::borrow::Cow;

use keyspan_common::{host::WrongType, wire::Wire};

use crate::filter::NoFilter;
use crate::label::NotLabels;
use crate::range::TooManyRows;
use crate::series::{AddError, BeyondRetention, IncrementError};

/// A number of READ that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadFault {
    /// BLOCK's milliseconds.
    Milliseconds,
    /// BLOCK's number of samples.
    MinCount,
    /// It is more than MAX_COUNT.
    MinOverMax,
    /// MAX_COUNT.
    MaxCount,
    /// The time from which is read.
    Timestamp,
    /// A word that is no option.
    Word,
    /// The key holds something else.
    WrongType,
}

/// Why a command was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// AGGREGATION lacks a number.
    Aggregation,
    /// NRANGE has not one AGGREGATION a key.
    AggregationCount,
    /// Nothing between two commas.
    AggregationEmpty,
    /// CREATERULE with several.
    AggregationMany,
    /// No such aggregator.
    AggregationUnknown,
    /// More of them than there are.
    AggregationsTooMany,
    /// ALIGN without AGGREGATION.
    AlignAlone,
    /// ALIGN end without an end.
    AlignEnd,
    /// ALIGN start without a start.
    AlignStart,
    /// The time at which buckets start is no number.
    AlignTimestamp,
    /// It is negative.
    AlignTimestampNegative,
    /// ALIGN to something else.
    AlignUnknown,
    /// Words are missing or left over, in the command of this name.
    Arity(&'static str),
    /// A client that cannot wait.
    Blocking,
    /// A bucket of no time.
    Bucket,
    /// BUCKETTIMESTAMP of something else.
    BucketTimestamp,
    /// CHUNK_SIZE is no number.
    ChunkSize,
    /// CHUNK_SIZE that is none.
    ChunkSizeRange,
    /// COUNT is no number.
    Count,
    /// COUNT is the last word.
    CountMissing,
    /// COUNT is 0 or less.
    CountRange,
    /// The destination is one already.
    DestinationHasSource,
    /// The destination is a source.
    DestinationIsSource,
    /// A sample that is there cannot be replaced.
    Duplicate,
    /// DUPLICATE_POLICY is the last word.
    DuplicatePolicy,
    /// No such policy.
    DuplicatePolicyUnknown,
    /// ENCODING is the last word, or none.
    Encoding,
    /// EXCLUDEEMPTY with GROUPBY.
    ExcludeEmpty,
    /// The key exists.
    Exists,
    /// A filter that is none.
    Filter,
    /// FILTER is missing.
    FilterMissing,
    /// QUERYLABELS has FILTER without an expression.
    FilterNoExpression,
    /// FILTER has no expression.
    FilterNoLabels,
    /// No expression asks for a value.
    FilterNoMatcher,
    /// FILTER is expected, and something else stands there.
    FilterWord,
    /// FILTER_BY_TS has no time.
    FilterTimestamps,
    /// FILTER_BY_VALUE lacks a bound.
    FilterValues,
    /// The greatest value is no number.
    FilterValuesMax,
    /// The least value is no number.
    FilterValuesMin,
    /// The first time of a range.
    From,
    /// GROUPBY with several aggregators.
    GroupByAggregators,
    /// GROUPBY before FILTER.
    GroupByOrder,
    /// IGNORE lacks a number.
    Ignore,
    /// IGNORE has a negative one.
    IgnoreNegative,
    /// INCRBY of no number.
    Increment,
    /// INCRBY of NaN.
    IncrementNan,
    /// INCRBY before the last sample.
    IncrementOld,
    /// INCRBY's time is no number.
    IncrementTimestamp,
    /// LABELS that are none.
    Labels,
    /// WITHLABELS and SELECTED_LABELS.
    LabelsBoth,
    /// There is no such key.
    Missing,
    /// The key of a sample holds no series.
    NotSeries,
    /// QUERYLABELS of something else.
    Subtype,
    /// NRANGE's number of keys.
    Numkeys,
    /// A sample older than the retention.
    Old,
    /// A word of READ.
    Read(ReadFault),
    /// No such reducer.
    Reducer,
    /// RETENTION is no number.
    Retention,
    /// RETENTION is negative.
    RetentionNegative,
    /// A removal that compactions could not follow.
    RemovalOld,
    /// EMPTY asks for more rows than a reply may have.
    RowsTooMany,
    /// There is no such rule.
    RuleMissing,
    /// Source and destination are one.
    SameKey,
    /// SELECTED_LABELS of nothing.
    SelectedLabels,
    /// SELECTED_LABELS has more than there may be.
    SelectedLabelsMany,
    /// The source is a destination.
    SourceHasSource,
    /// A time that is no number.
    Timestamp,
    /// A negative time.
    TimestampNegative,
    /// The last time of a range.
    To,
    /// A value that is no number, or infinite.
    Value,
    /// GET's third word.
    Word,
    /// The key holds something else.
    WrongType,
    /// The user may not read a key.
    NoPermission,
}

impl ReadFault {
    const fn text(self) -> &'static str {
        match self {
            Self::Milliseconds => "TSDB: BLOCK milliseconds must be a non-negative integer",
            Self::MinCount => "TSDB: BLOCK min_count must be a positive integer",
            Self::MinOverMax => "TSDB: BLOCK min_count must be <= MAX_COUNT",
            Self::MaxCount => "TSDB: MAX_COUNT must be a positive integer",
            Self::Timestamp => "TSDB: invalid timestamp",
            Self::Word => "TSDB: unknown argument",
            Self::WrongType => "WRONGTYPE Operation against a key holding the wrong kind of value",
        }
    }
}

impl Error {
    #[expect(clippy::too_many_lines, reason = "a flat table")]
    const fn text(self) -> &'static str {
        match self {
            Self::Aggregation => "ERR TSDB: Couldn't parse AGGREGATION",
            Self::AggregationCount => {
                "ERR TSDB: the number of AGGREGATION arguments must be equal to numkeys"
            }
            Self::AggregationEmpty => "ERR TSDB: Empty aggregation type in list",
            Self::AggregationMany => "ERR TSDB: CREATERULE requires exactly one aggregation type",
            Self::AggregationUnknown => "ERR TSDB: Unknown aggregation type",
            Self::AggregationsTooMany => "ERR TSDB: Too many aggregation types",
            Self::AlignAlone => "ERR TSDB: ALIGN parameter can only be used with AGGREGATION",
            Self::AlignEnd => {
                "ERR TSDB: end alignment can only be used with explicit end timestamp"
            }
            Self::AlignStart => {
                "ERR TSDB: start alignment can only be used with explicit start timestamp"
            }
            Self::AlignTimestamp => "ERR TSDB: Couldn't parse alignTimestamp",
            Self::AlignTimestampNegative => {
                "ERR TSDB: alignTimestamp should be greater or equal to 0"
            }
            Self::AlignUnknown => "ERR TSDB: unknown ALIGN parameter",
            // Told with its name by `wire`.
            Self::Arity(_) => "",
            Self::Blocking => {
                "TSDB: blocking TS.READ (with BLOCK) is not allowed inside MULTI, EVAL, or a deny-blocking context"
            }
            Self::Bucket => "ERR TSDB: bucketDuration must be greater than zero",
            Self::BucketTimestamp => "ERR TSDB: unknown BUCKETTIMESTAMP parameter",
            Self::ChunkSize => "ERR TSDB: Couldn't parse CHUNK_SIZE",
            Self::ChunkSizeRange => {
                "ERR TSDB: CHUNK_SIZE value must be a multiple of 8 in the range [48 .. 1048576]"
            }
            Self::Count => "ERR TSDB: Couldn't parse COUNT",
            Self::CountMissing => "ERR TSDB: COUNT argument is missing",
            Self::CountRange => "ERR TSDB: Invalid COUNT value",
            Self::DestinationHasSource => "ERR TSDB: the destination key already has a src rule",
            Self::DestinationIsSource => "ERR TSDB: the destination key already has a dst rule",
            Self::Duplicate => {
                "ERR TSDB: Error at upsert, update is not supported when DUPLICATE_POLICY is set to BLOCK mode, or either current or new value is NaN and DUPLICATE_POLICY is MAX/MIN/SUM"
            }
            Self::DuplicatePolicy => "ERR TSDB: Couldn't parse DUPLICATE_POLICY",
            Self::DuplicatePolicyUnknown => "ERR TSDB: Unknown DUPLICATE_POLICY",
            Self::Encoding => "ERR TSDB: unknown ENCODING parameter",
            Self::ExcludeEmpty => "ERR TSDB: EXCLUDEEMPTY is not allowed with GROUPBY",
            Self::Exists => "ERR TSDB: key already exists",
            Self::Filter => "ERR TSDB: failed parsing labels",
            Self::FilterMissing => "ERR TSDB: missing FILTER argument",
            Self::FilterNoExpression => "ERR TSDB: FILTER given with no filter expressions",
            Self::FilterNoLabels => "ERR TSDB: missing labels for filter argument",
            Self::FilterNoMatcher => "ERR TSDB: please provide at least one matcher",
            Self::FilterWord => "ERR TSDB: unknown argument, expected FILTER",
            Self::FilterTimestamps => "ERR TSDB: FILTER_BY_TS one or more arguments are missing",
            Self::FilterValues => "ERR TSDB: FILTER_BY_VALUE one or more arguments are missing",
            Self::FilterValuesMax => "ERR TSDB: Couldn't parse MAX",
            Self::FilterValuesMin => "ERR TSDB: Couldn't parse MIN",
            Self::From => "ERR TSDB: wrong fromTimestamp",
            Self::GroupByAggregators => {
                "ERR TSDB: GROUPBY is not allowed when multiple aggregators are specified"
            }
            Self::GroupByOrder => "ERR TSDB: GROUPBY should always come after filter",
            Self::Ignore => "ERR TSDB: Couldn't parse IGNORE",
            Self::IgnoreNegative => "ERR TSDB: IGNORE arguments cannot be negative",
            Self::Increment => "ERR TSDB: invalid increase/decrease value",
            Self::IncrementNan => "ERR TSDB: cannot increment/decrement NaN value",
            Self::IncrementOld => {
                "TSDB: timestamp must be equal to or higher than the maximum existing timestamp"
            }
            Self::IncrementTimestamp | Self::Timestamp => "ERR TSDB: invalid timestamp",
            Self::Labels => "ERR TSDB: Couldn't parse LABELS",
            Self::LabelsBoth => "ERR TSDB: cannot accept WITHLABELS and SELECT_LABELS together",
            Self::Missing => "ERR TSDB: the key does not exist",
            Self::NotSeries => "ERR TSDB: the key is not a TSDB key",
            Self::Subtype => "ERR TSDB: unknown subtype, must be one of LABELS|VALUES",
            Self::NoPermission => {
                "NOPERM TSDB: current user doesn't have read permission to one or more keys that match the specified filter"
            }
            Self::Numkeys => "ERR TSDB: numkeys must be a positive integer",
            Self::Old => "ERR TSDB: Timestamp is older than retention",
            Self::Read(fault) => fault.text(),
            Self::Reducer => "ERR TSDB: Invalid reducer type",
            Self::Retention => "ERR TSDB: Couldn't parse RETENTION",
            Self::RetentionNegative => "TSDB: Couldn't parse RETENTION",
            Self::RemovalOld => {
                "ERR TSDB: Can't delete an event which is older than retention time, in such case no valid way to update the downsample"
            }
            Self::RowsTooMany => "ERR TSDB: EMPTY asks for too many buckets",
            Self::RuleMissing => "ERR TSDB: compaction rule does not exist",
            Self::SameKey => "ERR TSDB: the source key and destination key should be different",
            Self::SelectedLabels => "ERR TSDB: SELECT_LABELS should have at least 1 parameter",
            Self::SelectedLabelsMany => "ERR TSDB: reached max size for SELECT_LABELS",
            Self::SourceHasSource => "ERR TSDB: the source key already has a source rule",
            Self::TimestampNegative => "ERR TSDB: invalid timestamp, must be a nonnegative integer",
            Self::To => "ERR TSDB: wrong toTimestamp",
            Self::Value => "ERR TSDB: invalid value",
            Self::Word => "ERR TSDB: wrong 3rd argument",
            // The code stands twice in RedisTimeSeries too.
            Self::WrongType => {
                "ERR WRONGTYPE Operation against a key holding the wrong kind of value"
            }
        }
    }
}

impl Wire for Error {
    fn wire(&self) -> Cow<'_, str> {
        if let Self::Arity(name) = self {
            return Cow::Owned(format!("ERR wrong number of arguments for '{name}' command"));
        }
        Cow::Borrowed(self.text())
    }
}

impl From<WrongType> for Error {
    fn from(WrongType: WrongType) -> Self {
        Self::WrongType
    }
}

impl From<NotLabels> for Error {
    fn from(NotLabels: NotLabels) -> Self {
        Self::Labels
    }
}

impl From<NoFilter> for Error {
    fn from(why: NoFilter) -> Self {
        match why {
            NoFilter::Expression => Self::Filter,
            NoFilter::NoMatcher => Self::FilterNoMatcher,
        }
    }
}

impl From<AddError> for Error {
    fn from(why: AddError) -> Self {
        match why {
            AddError::BeyondRetention => Self::Old,
            AddError::Duplicate => Self::Duplicate,
        }
    }
}

impl From<IncrementError> for Error {
    fn from(why: IncrementError) -> Self {
        match why {
            IncrementError::Earlier => Self::IncrementOld,
            IncrementError::Nan => Self::IncrementNan,
        }
    }
}

impl From<BeyondRetention> for Error {
    fn from(BeyondRetention: BeyondRetention) -> Self {
        Self::RemovalOld
    }
}

impl From<TooManyRows> for Error {
    fn from(TooManyRows: TooManyRows) -> Self {
        Self::RowsTooMany
    }
}
