extension PickleMachine {
  /// What a pickle would call functions for.
  mutating func executeObject(_ opcode: PickleOpcode) throws {
    switch opcode {
    case .global:
      let module = try cursor.line()
      try pushGlobal(module, try cursor.line())
    case .stackGlobal:
      let name = try pop()
      guard case .text(let module) = try pop(), case .text(let name) = name else {
        throw cursor.corrupt("a global's name is no text")
      }
      try pushGlobal(module, name)
    case .reduce, .newObject:
      let arguments = try pop()
      guard case .global(let global) = try pop(), case .tuple(let index) = arguments else {
        throw cursor.corrupt("it calls something that is no function")
      }
      try call(global, heap.sequences[index], isNew: opcode == .newObject)
    case .build:
      // The state of an OrderedDict is the modules' version numbers, that of a Namespace the settings of a run.
      _ = try pop()
      switch try top() {
      case .dictionary, .ignored: break
      default: throw cursor.corrupt("it sets the state of \(try top().kind)")
      }
    default:
      try pushStorage(try pop())
    }
  }

  private mutating func pushGlobal(_ module: String, _ name: String) throws {
    guard let global = PickleGlobal.named(module + "." + name) else {
      throw ArtifactError.forbiddenGlobal(path: path, name: (module + "." + name).inMessage)
    }
    push(.global(global))
  }

  /// Pushes what a call would return. `isNew` tells the making of an object from the call of a function.
  private mutating func call(_ global: PickleGlobal, _ arguments: [PickleValue], isNew: Bool) throws {
    switch (global, isNew) {
    case (.orderedDictionary, false):
      guard arguments.isEmpty else { throw wrongArguments("OrderedDict") }
      pushDictionary()
    case (.rebuildTensor, false):
      guard arguments.count >= 4 else { throw wrongArguments("_rebuild_tensor") }
      try pushTensor(arguments, type: nil)
    case (.rebuildTypedTensor, false):
      guard arguments.count >= 7, case .global(.elementType(let type)) = arguments[6] else {
        throw wrongArguments("_rebuild_tensor_v3")
      }
      try pushTensor(arguments, type: type)
    case (.rebuildParameter, false):
      guard case .tensor? = arguments.first else { throw wrongArguments("_rebuild_parameter") }
      push(arguments[0])
    case (.size, false):
      guard arguments.count == 1, heap.extents(arguments[0]) != nil else { throw wrongArguments("Size") }
      push(arguments[0])
    case (.ignored, _):
      push(.ignored)
    default:
      throw cursor.corrupt("it calls something that is no function")
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
