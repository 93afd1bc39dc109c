extension PickleMachine {
  /// What a pickle would call functions for.
  mutating func executeObject(_ opcode: PickleOpcode) throws {
    switch opcode {
    case .global:
      let module = try cursor.line()
      push(.global(try global(module, try cursor.line())))
    case .stackGlobal:
      let name = try pop()
      guard case .text(let module) = try pop(), case .text(let name) = name else {
        throw cursor.corrupt("a global's name is no text")
      }
      push(.global(try global(module, name)))
    case .reduce, .newObject:
      let arguments = try pop()
      try call(try pop(), arguments, isNew: opcode == .newObject)
    case .newObjectWithKeywords:
      _ = (try pop(), try pop())
      try passOver([try pop()])
    // Classes of Python 2.
    case .object: try passOver(Array(try popMarked().prefix(1)))
    case .instance:
      let module = try cursor.line()
      let global = try global(module, try cursor.line())
      _ = try popMarked()
      try passOver([.global(global)])
    case .build:
      // The state of an OrderedDict is the modules' version numbers.
      _ = try pop()
      switch try top() {
      case .dictionary, .ignored: break
      default: throw cursor.corrupt("it sets the state of \(try top().kind)")
      }
    default:
      try pushStorage(try pop())
    }
  }

  private func global(_ module: String, _ name: String) throws -> PickleGlobal {
    guard let global = PickleGlobal.named(module, name) else {
      throw ArtifactError.forbiddenGlobal(path: path, name: (module + "." + name).inMessage)
    }
    return global
  }

  /// Stands for the object that a class would make.
  private mutating func passOver(_ made: [PickleValue]) throws {
    switch made.first {
    case .ignored, .global(.opaque), .global(.tensorType): push(.ignored)
    default: throw notCallable
    }
  }

  private var notCallable: ArtifactError { cursor.corrupt("it calls something that is no function") }

  /// Pushes what a call would return. `isNew` tells the making of an object from the call of a function.
  private mutating func call(_ function: PickleValue, _ arguments: PickleValue, isNew: Bool) throws {
    guard case .global(let global) = function, global != .opaque, global != .tensorType else {
      return try passOver([function])
    }
    guard !isNew, case .tuple(let index) = arguments else { throw notCallable }
    try call(global, heap.sequences[index])
  }

  private mutating func call(_ global: PickleGlobal, _ arguments: [PickleValue]) throws {
    switch global {
    case .orderedDictionary: try pushDictionary(ofPairs: arguments)
    case .defaultDictionary: pushDictionary()
    case .rebuildTensor:
      guard arguments.count >= 4 else { throw wrongArguments("_rebuild_tensor") }
      try pushTensor(arguments, type: nil)
    case .rebuildTypedTensor:
      guard arguments.count >= 7, case .global(let named) = arguments[6] else {
        throw wrongArguments("_rebuild_tensor_v3")
      }
      switch named {
      case .elementType(let type): try pushTensor(arguments, type: type)
      // Of a type newer than this reader.
      case .opaque: push(.ignored)
      default: throw wrongArguments("_rebuild_tensor_v3")
      }
    case .rebuildParameter:
      switch arguments.first {
      case .tensor, .ignored: push(arguments[0])
      default: throw wrongArguments("_rebuild_parameter")
      }
    case .rebuildWithState:
      try pushTensorWithState(arguments)
    case .size:
      guard arguments.count == 1, heap.extents(arguments[0]) != nil else { throw wrongArguments("Size") }
      push(arguments[0])
    case .tensorType, .storage, .elementType, .opaque: throw notCallable
    }
  }

  /// Python 2 gives an OrderedDict its contents as a list of lists of two.
  private mutating func pushDictionary(ofPairs arguments: [PickleValue]) throws {
    pushDictionary()
    guard let pairs = arguments.first else { return }
    guard arguments.count == 1, case .list(let list) = pairs else { throw wrongArguments("OrderedDict") }
    for pair in heap.sequences[list] {
      guard case .list(let index) = pair, heap.sequences[index].count == 2 else { throw wrongArguments("OrderedDict") }
      try insert(heap.sequences[index], into: heap.dictionaries.count - 1)
    }
  }

  /// What the function would make, unless the type is a subclass with a meaning of its own.
  private mutating func pushTensorWithState(_ arguments: [PickleValue]) throws {
    guard arguments.count == 4, case .global(let function) = arguments[0], case .global(let type) = arguments[1],
      case .tuple(let inner) = arguments[2]
    else { throw wrongArguments("_rebuild_from_type_v2") }
    switch function {
    case .rebuildTensor where type == .tensorType, .rebuildTypedTensor where type == .tensorType,
      .rebuildParameter where type == .tensorType:
      try call(function, heap.sequences[inner])
    default: push(.ignored)
    }
  }

  /// - Parameter type: element type where the storage is untyped; nil takes the storage's.
  private mutating func pushTensor(_ arguments: [PickleValue], type: WeightsFile.ElementType?) throws {
    guard case .storage(let index) = arguments[0], case .int(let offset) = arguments[1],
      let shape = heap.extents(arguments[2]), let strides = heap.extents(arguments[3])
    else { throw wrongArguments("_rebuild_tensor") }
    let stored = heap.storages[index].type
    guard let elementType = stored ?? type, type == nil || stored == nil else {
      throw cursor.corrupt("a tensor's element type is not that of its storage")
    }
    heap.tensors.append(
      PickleHeap.Tensor(storage: index, type: elementType, shape: shape, strides: strides, offset: offset))
    push(.tensor(heap.tensors.count - 1))
  }

  /// A persistent ID is the tuple ("storage", kind, key, device, elements), in files before 1.6 with a sixth member
  /// for views, which no version since 0.4 writes.
  private mutating func pushStorage(_ identifier: PickleValue) throws {
    guard case .tuple(let index) = identifier else { throw wrongArguments("storage") }
    let members = heap.sequences[index]
    // The source text of a model that was saved as a whole.
    if case .text("module") = members.first { return push(.ignored) }
    if members.count > 1, case .global(.opaque) = members[1] {
      throw ArtifactError.unsupported(path: path, detail: "it has a storage of an unknown kind")
    }
    guard members.count == 5 || members.count == 6,
      case .text("storage") = members[0], case .global(.storage(let type)) = members[1],
      case .text(let key) = members[2], case .text = members[3], case .int(let count) = members[4], count >= 0
    else { throw wrongArguments("storage") }
    if members.count == 6 {
      guard case .none = members[5] else {
        throw ArtifactError.unsupported(path: path, detail: "its storage \(key.inMessage) is a view of another")
      }
    }
    guard let number = heap.index(of: PickleHeap.Storage(key: key, type: type, count: count)) else {
      throw cursor.corrupt("the storage \(key.inMessage) is described in two ways")
    }
    push(.storage(number))
  }

  private func wrongArguments(_ name: String) -> ArtifactError {
    cursor.corrupt("\(name) has the wrong arguments")
  }
}
