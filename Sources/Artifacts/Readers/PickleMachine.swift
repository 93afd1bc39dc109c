/// A machine for Python's pickles that executes nothing: it follows the instructions that build dictionaries, lists
/// and tensors. Everything else, such as the objects of a trainer, is passed over as one value that nobody looks into,
/// and no tensor comes out of it.
struct PickleMachine {
  /// What a pickle describes.
  struct Result: Sendable {
    let value: PickleValue
    let heap: PickleHeap
    /// The byte after the pickle's last.
    let end: Int
  }

  let path: String
  var cursor: PickleCursor
  var heap = PickleHeap()
  private var stack: [PickleValue] = []
  /// Heights of the stack at which marks stand; what lies below the last is out of reach.
  private var marks: [Int] = []
  private var memo: [Int: PickleValue] = [:]

  /// Follows the pickle that begins at `start`.
  ///
  /// Throws `ArtifactError.forbiddenGlobal` for a name that `PickleGlobal` refuses, `.unsupported` for an instruction that
  /// this reader does not follow, `.corrupt` if the pickle is damaged, `.tooLarge` if it is too long.
  static func run(_ bytes: MappedBytes, from start: Int = 0) throws -> Result {
    var machine = PickleMachine(path: bytes.path, cursor: PickleCursor(bytes, from: start))
    for _ in 0..<ReaderLimits.pickleInstructions {
      let code = try machine.cursor.int(UInt8.self)
      guard let opcode = PickleOpcode(rawValue: UInt8(truncatingIfNeeded: code)) else {
        throw ArtifactError.unsupported(
          path: bytes.path, detail: "its pickle uses the instruction 0x\(String(code, radix: 16))")
      }
      guard opcode != .stop else {
        return Result(value: try machine.pop(), heap: machine.heap, end: machine.cursor.position)
      }
      try machine.execute(opcode)
    }
    throw ArtifactError.tooLarge(
      path: bytes.path, detail: "its pickle has more than \(ReaderLimits.pickleInstructions) instructions")
  }

  private init(path: String, cursor: PickleCursor) {
    self.path = path
    self.cursor = cursor
  }

  private mutating func execute(_ opcode: PickleOpcode) throws {
    switch opcode {
    case .none, .newTrue, .newFalse, .intLine, .longLine, .floatLine, .binInt, .binInt1, .binInt2, .long1, .long4,
      .binFloat:
      push(try number(opcode))
    case .stringLine, .binString, .shortBinString, .unicodeLine, .binUnicode, .shortBinUnicode, .binUnicode8,
      .binBytes, .shortBinBytes, .binBytes8, .byteArray8:
      push(try text(opcode))
    case .emptyTuple, .tuple1, .tuple2, .tuple3, .tuple, .emptyList, .list, .append, .appends, .emptyDictionary,
      .dictionary, .setItem, .setItems, .emptySet, .addItems, .frozenSet:
      try executeContainer(opcode)
    case .mark, .pop, .popMark, .duplicate:
      try executeStack(opcode)
    case .getLine, .binGet, .longBinGet, .putLine, .binPut, .longBinPut, .memoize:
      try executeMemo(opcode)
    case .global, .stackGlobal, .reduce, .newObject, .newObjectWithKeywords, .object, .instance, .build, .persistentID:
      try executeObject(opcode)
    case .protocol:
      let version = try cursor.int(UInt8.self)
      guard version <= 5 else {
        throw ArtifactError.unsupported(path: path, detail: "its pickle is of protocol \(version)")
      }
    case .frame:
      try cursor.skip(8)
    case .stop:
      break
    }
  }

  mutating func push(_ value: PickleValue) {
    stack.append(value)
  }

  mutating func pop() throws -> PickleValue {
    guard stack.count > marks.last ?? 0, let value = stack.popLast() else {
      throw cursor.corrupt("an instruction finds too few values")
    }
    return value
  }

  /// The topmost value, which stays.
  func top() throws -> PickleValue {
    guard stack.count > marks.last ?? 0, let value = stack.last else {
      throw cursor.corrupt("an instruction finds too few values")
    }
    return value
  }

  /// Takes everything above the last mark, and the mark.
  mutating func popMarked() throws -> [PickleValue] {
    guard let mark = marks.popLast() else { throw cursor.corrupt("an instruction finds no mark") }
    let values = Array(stack[mark...])
    stack.removeSubrange(mark...)
    return values
  }

  private mutating func executeStack(_ opcode: PickleOpcode) throws {
    switch opcode {
    case .mark: marks.append(stack.count)
    case .popMark: _ = try popMarked()
    case .duplicate: push(try top())
    // Python's pop removes a mark that is on top.
    default: if marks.last == stack.count { marks.removeLast() } else { _ = try pop() }
    }
  }

  private mutating func executeMemo(_ opcode: PickleOpcode) throws {
    switch opcode {
    case .getLine: try recall(try lineNumber())
    case .binGet: try recall(try cursor.int(UInt8.self))
    case .longBinGet: try recall(try cursor.int(UInt32.self))
    case .putLine: memo[try lineNumber()] = try top()
    case .binPut: memo[try cursor.int(UInt8.self)] = try top()
    case .longBinPut: memo[try cursor.int(UInt32.self)] = try top()
    default: memo[memo.count] = try top()
    }
  }

  private mutating func recall(_ key: Int) throws {
    guard let value = memo[key] else { throw cursor.corrupt("nothing is memorised as \(key)") }
    push(value)
  }

  private mutating func lineNumber() throws -> Int {
    guard let number = Int(try cursor.line()) else { throw cursor.corrupt("a memo number is none") }
    return number
  }
}
