extension PickleMachine {
  /// Numbers, truth values and None.
  mutating func number(_ opcode: PickleOpcode) throws -> PickleValue {
    switch opcode {
    case .none: return .none
    case .newTrue: return .bool(true)
    case .newFalse: return .bool(false)
    case .intLine, .longLine: return try lineInteger()
    case .binInt: return .int(try cursor.int(Int32.self))
    case .binInt1: return .int(try cursor.int(UInt8.self))
    case .binInt2: return .int(try cursor.int(UInt16.self))
    case .long1: return try longInteger(try cursor.int(UInt8.self))
    case .long4: return try longInteger(try cursor.int(Int32.self))
    case .binFloat: try cursor.skip(8)
    default: _ = try cursor.line()
    }
    return .ignored
  }

  private mutating func longInteger(_ count: Int) throws -> PickleValue {
    try cursor.longInteger(count).map(PickleValue.int) ?? .ignored
  }

  /// Protocol 0 writes truth values as 00 and 01, and Python 2 its long integers with an L.
  private mutating func lineInteger() throws -> PickleValue {
    let line = try cursor.line()
    if line == "00" { return .bool(false) }
    if line == "01" { return .bool(true) }
    let digits = line.hasSuffix("L") ? String(line.dropLast()) : line
    if let number = Int(digits) { return .int(number) }
    guard !digits.isEmpty, digits.allSatisfy({ $0.isASCII && $0.isNumber || $0 == "-" }) else {
      throw cursor.corrupt("\(line.inMessage) is no integer")
    }
    return .ignored
  }

  /// Text; bytes are passed over, and so is text that no name can be: long, or not UTF-8, as Python 2's strings may be.
  mutating func text(_ opcode: PickleOpcode) throws -> PickleValue {
    switch opcode {
    case .stringLine, .unicodeLine: return try lineText(isQuoted: opcode == .stringLine)
    case .shortBinString, .shortBinUnicode: return try shortText(try cursor.int(UInt8.self))
    case .binString: return try shortText(try cursor.int(Int32.self))
    case .binUnicode: return try shortText(try cursor.int(UInt32.self))
    case .binUnicode8: return try shortText(try cursor.int(UInt64.self))
    case .shortBinBytes: try cursor.skip(try cursor.int(UInt8.self))
    case .binBytes: try cursor.skip(try cursor.int(UInt32.self))
    default: try cursor.skip(try cursor.int(UInt64.self))
    }
    return .ignored
  }

  private mutating func shortText(_ count: Int) throws -> PickleValue {
    guard count <= ReaderLimits.textBytes else {
      try cursor.skip(count)
      return .ignored
    }
    return try cursor.text(count).map(PickleValue.text) ?? .ignored
  }

  /// Names of parameters need no escapes: a text with one is none.
  private mutating func lineText(isQuoted: Bool) throws -> PickleValue {
    let line = try cursor.line()
    guard !line.contains("\\") else { return .ignored }
    guard isQuoted else { return .text(line) }
    guard line.count >= 2, let quote = line.first, quote == "'" || quote == "\"", line.last == quote else {
      throw cursor.corrupt("a text of protocol 0 has no quotes")
    }
    return .text(String(line.dropFirst().dropLast()))
  }

  /// Tuples, lists, dictionaries and sets.
  mutating func executeContainer(_ opcode: PickleOpcode) throws {
    switch opcode {
    case .emptyTuple: pushTuple([])
    case .tuple1: pushTuple([try pop()])
    case .tuple2, .tuple3:
      var values = [try pop(), try pop()]
      if opcode == .tuple3 { values.append(try pop()) }
      pushTuple(values.reversed())
    case .tuple: pushTuple(try popMarked())
    case .emptyList: pushList([])
    case .list: pushList(try popMarked())
    case .append: try append([try pop()])
    case .appends: try append(try popMarked())
    case .emptyDictionary: pushDictionary()
    case .dictionary:
      let items = try popMarked()
      pushDictionary()
      try setItems(items)
    case .setItem:
      let value = try pop()
      try setItems([try pop(), value])
    case .setItems: try setItems(try popMarked())
    case .emptySet: push(.ignored)
    case .addItems:
      _ = try popMarked()
      guard case .ignored = try top() else { throw cursor.corrupt("it adds members to \(try top().kind)") }
    default:
      _ = try popMarked()
      push(.ignored)
    }
  }

  /// An empty dictionary.
  mutating func pushDictionary() {
    heap.dictionaries.append(PickleHeap.Mapping())
    push(.dictionary(heap.dictionaries.count - 1))
  }

  private mutating func pushTuple(_ values: [PickleValue]) {
    heap.sequences.append(values)
    push(.tuple(heap.sequences.count - 1))
  }

  private mutating func pushList(_ values: [PickleValue]) {
    heap.sequences.append(values)
    push(.list(heap.sequences.count - 1))
  }

  private mutating func append(_ values: [PickleValue]) throws {
    switch try top() {
    case .list(let index): heap.sequences[index].append(contentsOf: values)
    case .ignored: break
    case let other: throw cursor.corrupt("it appends to \(other.kind)")
    }
  }

  /// Puts keys and values, in turns, into the dictionary on top. Python would let a second value replace the first;
  /// no program writes that, and it would hide one of two tensors.
  private mutating func setItems(_ items: [PickleValue]) throws {
    guard items.count.isMultiple(of: 2) else { throw cursor.corrupt("a key has no value") }
    switch try top() {
    case .dictionary(let index): try insert(items, into: index)
    case .ignored: break
    case let other: throw cursor.corrupt("it sets items of \(other.kind)")
    }
  }

  /// Puts keys and values, in turns, into a dictionary.
  mutating func insert(_ items: [PickleValue], into index: Int) throws {
    for position in stride(from: 0, to: items.count, by: 2) {
      let key: PickleHeap.Mapping.Key
      switch items[position] {
      case .text(let text): key = .text(text)
      case .int(let number): key = .int(number)
      case .bool(let value): key = .text(value ? "True" : "False")
      case .none: key = .text("None")
      default: key = .unnamed(heap.dictionaries[index].entries.count)
      }
      guard heap.dictionaries[index].insert(key, items[position + 1]) else {
        throw cursor.corrupt("the key \(key.description.inMessage) appears twice")
      }
    }
  }
}
