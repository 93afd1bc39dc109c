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

  /// Text; bytes are passed over.
  mutating func text(_ opcode: PickleOpcode) throws -> PickleValue {
    switch opcode {
    case .stringLine, .unicodeLine: return .text(try lineText(isQuoted: opcode == .stringLine))
    case .shortBinString, .shortBinUnicode: return .text(try cursor.text(try cursor.int(UInt8.self)))
    case .binString: return .text(try cursor.text(try cursor.int(Int32.self)))
    case .binUnicode: return .text(try cursor.text(try cursor.int(UInt32.self)))
    case .binUnicode8: return .text(try cursor.text(try cursor.int(UInt64.self)))
    case .shortBinBytes: try cursor.skip(try cursor.int(UInt8.self))
    case .binBytes: try cursor.skip(try cursor.int(UInt32.self))
    default: try cursor.skip(try cursor.int(UInt64.self))
    }
    return .ignored
  }

  /// Names of parameters need no escapes, so a text with one is not guessed at.
  private mutating func lineText(isQuoted: Bool) throws -> String {
    let line = try cursor.line()
    guard !line.contains("\\") else { throw cursor.corrupt("a text of protocol 0 has escapes") }
    guard isQuoted else { return line }
    guard line.count >= 2, let quote = line.first, quote == "'" || quote == "\"", line.last == quote else {
      throw cursor.corrupt("a text of protocol 0 has no quotes")
    }
    return String(line.dropFirst().dropLast())
  }

  /// Tuples, lists and dictionaries.
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
    default: try setItems(try popMarked())
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
    guard case .list(let index) = try top() else { throw cursor.corrupt("it appends to \(try top().kind)") }
    heap.sequences[index].append(contentsOf: values)
  }

  /// Puts keys and values, in turns, into the dictionary on top. Python would let a second value replace the first;
  /// no program writes that, and it would hide one of two tensors.
  private mutating func setItems(_ items: [PickleValue]) throws {
    guard case .dictionary(let index) = try top() else { throw cursor.corrupt("it sets items of \(try top().kind)") }
    guard items.count.isMultiple(of: 2) else { throw cursor.corrupt("a key has no value") }
    for position in stride(from: 0, to: items.count, by: 2) {
      let key: PickleHeap.Mapping.Key
      switch items[position] {
      case .text(let text): key = .text(text)
      case .int(let number): key = .int(number)
      default: throw cursor.corrupt("a key is \(items[position].kind), neither text nor an integer")
      }
      guard heap.dictionaries[index].insert(key, items[position + 1]) else {
        throw cursor.corrupt("the key \(key.description.inMessage) appears twice")
      }
    }
  }
}
