//! What a vector field declares.

/// The type of a vector's elements, little-endian in a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// 4-byte floats.
    Float32,
    /// 8-byte floats.
    Float64,
    /// The upper halves of 4-byte floats.
    Bfloat16,
    /// IEEE half precision floats.
    Float16,
    /// Signed bytes.
    Int8,
    /// Unsigned bytes.
    Uint8,
}

impl Element {
    /// All types, each at the number it has in RDB files.
    pub const ALL: [Self; 6] =
        [Self::Float32, Self::Float64, Self::Bfloat16, Self::Float16, Self::Int8, Self::Uint8];

    /// The name in a command.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Float32 => "FLOAT32",
            Self::Float64 => "FLOAT64",
            Self::Bfloat16 => "BFLOAT16",
            Self::Float16 => "FLOAT16",
            Self::Int8 => "INT8",
            Self::Uint8 => "UINT8",
        }
    }

    /// Bytes of one element.
    #[must_use]
    pub const fn size(self) -> u64 {
        match self {
            Self::Float32 => 4,
            Self::Float64 => 8,
            Self::Bfloat16 | Self::Float16 => 2,
            Self::Int8 | Self::Uint8 => 1,
        }
    }
}

/// How far apart two vectors are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// The squared Euclidean distance.
    L2,
    /// 1 less the inner product.
    Ip,
    /// 1 less the cosine.
    Cosine,
}

impl Metric {
    /// All metrics, each at the number it has in RDB files.
    pub const ALL: [Self; 3] = [Self::L2, Self::Ip, Self::Cosine];

    /// The name in a command.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::L2 => "L2",
            Self::Ip => "IP",
            Self::Cosine => "COSINE",
        }
    }
}

/// How vectors are found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Algorithm {
    /// All are compared.
    Flat {
        /// Vectors that are allocated together.
        block_size: u64,
    },
    /// A graph is searched.
    Hnsw {
        /// Links of a vector in the upper layers, half of those in the lowest.
        m: u64,
        /// Candidates kept while a vector is linked.
        ef_construction: u64,
        /// Candidates kept by a search that does not say otherwise.
        ef_runtime: u64,
        /// By how much of its radius a range search looks further.
        epsilon: f64,
    },
}

impl Algorithm {
    /// A flat index as declared by its name alone.
    pub const FLAT: Self = Self::Flat { block_size: BLOCK_SIZE };
    /// A graph as declared by its name alone.
    pub const HNSW: Self =
        Self::Hnsw { m: 16, ef_construction: 200, ef_runtime: 10, epsilon: EPSILON };

    /// The name in a command.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Flat { .. } => "FLAT",
            Self::Hnsw { .. } => "HNSW",
        }
    }
}

/// Vectors in a block, and for how many room is asked, unless a command says otherwise.
pub const BLOCK_SIZE: u64 = 1024;
/// The default of [`Algorithm::Hnsw`]'s `epsilon`.
pub const EPSILON: f64 = 0.01;

/// What a `VECTOR` field declares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Vector {
    /// How vectors are found.
    pub algorithm: Algorithm,
    /// The type of the elements.
    pub element: Element,
    /// Elements of a vector; at least 1.
    pub dimension: u64,
    /// How far apart two vectors are.
    pub metric: Metric,
    /// For how many vectors room is asked.
    pub initial_capacity: u64,
    /// Whether a document may have several (a JSON path that matches several).
    pub multi: bool,
    /// Whether codes of one byte an element are searched, and the vectors only rescored
    /// (`QUANTIZATION SQ8`, not in RediSearch).
    pub quantized: bool,
}

impl Vector {
    /// Candidates a search keeps unless it says otherwise; 0 where all are compared.
    #[must_use]
    pub const fn effort(&self) -> u64 {
        match self.algorithm {
            Algorithm::Flat { .. } => 0,
            Algorithm::Hnsw { ef_runtime, .. } => ef_runtime,
        }
    }

    /// Bytes of a vector's blob; saturating, as a dimension may be absurd.
    #[must_use]
    pub const fn blob_size(&self) -> u64 {
        self.dimension.saturating_mul(self.element.size())
    }
}
