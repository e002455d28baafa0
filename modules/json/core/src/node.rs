//! What the path engine asks of a JSON value, so that it runs over the stored form and, in tests,
//! over `serde_json::Value`.

/// A JSON number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// An integer in i64.
    Int(i64),
    /// An integer over `i64::MAX`.
    Uint(u64),
    /// Any other number; finite.
    Double(f64),
}

/// The kind of a JSON value, with what fits into a register or two.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string: UTF-8 bytes, unescaped.
    String(&'a [u8]),
    /// An array of so many elements.
    Array(usize),
    /// An object of so many members.
    Object(usize),
}

/// Where the objects that one search, for one name, has met lately have their member of that name.
#[derive(Debug)]
pub struct Hint {
    /// The number of a key list, and the position in it.
    known: [(u64, Option<u32>); Hint::SLOTS],
}

impl Hint {
    const SLOTS: usize = 8;

    /// What `find` says of the key list of that number; it is not asked again at once.
    #[inline]
    pub(crate) fn position(
        &mut self,
        list: u64,
        find: impl FnOnce() -> Option<usize>,
    ) -> Option<usize> {
        let [low, ..] = list.to_le_bytes();
        let (known, position) = self.known.get_mut(usize::from(low) % Self::SLOTS)?;
        if *known != list {
            (*known, *position) = (list, find().and_then(|found| u32::try_from(found).ok()));
        }
        position.map(|position| position as usize)
    }
}

impl Default for Hint {
    fn default() -> Self {
        Self { known: [(u64::MAX, None); Self::SLOTS] }
    }
}

/// What a search of a whole tree needs to know of a node.
#[derive(Debug)]
pub struct Scan<N, I> {
    /// The member of the name, with its position.
    pub found: Option<(usize, N)>,
    /// The number of children.
    pub len: usize,
    /// Those that are arrays or objects, with their positions.
    pub containers: I,
}

/// A handle to a JSON value in a tree.
pub trait Node<'a>: Copy {
    /// Its kind. O(1).
    fn kind(self) -> Kind<'a>;
    /// Element `index` of an array; `None` for other kinds and behind the end. O(1).
    fn element(self, index: usize) -> Option<Self>;
    /// Member `position` of an object, in its order; `None` for other kinds and behind the end. O(1).
    fn member(self, position: usize) -> Option<(&'a [u8], Self)>;
    /// The member called `name`, with its position.
    fn find(self, name: &[u8]) -> Option<(usize, Self)>;

    /// The elements of an array or the values of an object, in order; none for other kinds. O(1)
    /// each.
    fn children(self) -> impl ExactSizeIterator<Item = Self> {
        let (elements, members) = match self.kind() {
            Kind::Array(len) => (len, 0),
            Kind::Object(len) => (0, len),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::String(_) => (0, 0),
        };
        (0..elements + members).map(move |at| {
            let member = || self.member(at).map(|(_, value)| value);
            self.element(at).or_else(member).unwrap_or(self)
        })
    }

    /// The number of children, and those that are arrays or objects, with their positions.
    fn containers(self) -> (usize, impl Iterator<Item = (usize, Self)>) {
        let children = self.children();
        let is_container =
            |child: &(usize, Self)| matches!(child.1.kind(), Kind::Array(_) | Kind::Object(_));
        (children.len(), children.enumerate().filter(is_container))
    }

    /// [`find`](Self::find) and [`containers`](Self::containers) at once. All calls with one `hint`
    /// are for one `name`.
    fn scan(
        self,
        name: &[u8],
        _hint: &mut Hint,
    ) -> Scan<Self, impl Iterator<Item = (usize, Self)> + use<'a, Self>> {
        let (len, containers) = self.containers();
        Scan { found: self.find(name), len, containers }
    }
}
