/// How much a file of weights may ask for before it is refused. Real files stay far below: a trainer's checkpoint of
/// VAR-d36 with optimiser states runs about fifty thousand pickle instructions.
enum ReaderLimits {
  /// Instructions of one pickle. An instruction makes at most one value, mark or memo entry, so this bounds the stack,
  /// the memo and the number of objects too.
  static let pickleInstructions = 1_000_000
  /// Bytes of a text in a pickle or header that may be a name; longer ones are passed over.
  static let textBytes = 1 << 16
  /// Bytes of all texts of a pickle, and of all the names of its tensors.
  static let totalTextBytes = 1 << 26
  /// Bytes of one line of the text instructions of protocol 0, such as a global's name.
  static let lineBytes = 1 << 12
  /// Dictionaries and lists inside each other.
  static let nesting = 64
  /// Values met while looking for tensors. Shared values count each time: a few that hold each other twice stand for
  /// billions.
  static let visitedValues = 1_000_000
  /// Bytes of a tensor's full name.
  static let nameBytes = 1 << 12
  /// Axes of a tensor.
  static let rank = 32
  /// Elements of a tensor that repeats elements of its storage (stride 0) beyond the storage's own number.
  static let repeatedElements = 1 << 24
  /// Entries of a zip archive, and tensors of a safetensors file.
  static let entries = 100_000
  /// Bytes of the header of a safetensors file; the limit of the format's own library.
  static let headerBytes = 100_000_000
  /// Bytes of the header of a NumPy array; NumPy's own limit is 10,000.
  static let arrayHeaderBytes = 1 << 16
  /// Bytes of a NumPy array that is read as a whole; statistics of 2048 features take 32 MiB.
  static let arrayBytes = 1 << 30
  /// Most bytes that one byte of deflate data can stand for.
  static let deflateRatio = 1032
}
