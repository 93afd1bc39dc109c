/// The tensors inside the dictionaries and lists of a pickle, under their full names: the keys and positions on the
/// way, joined by dots.
struct PickledTensors {
  /// Tensors as the pickle describes them.
  private(set) var found: [(name: String, tensor: PickleHeap.Tensor)] = []
  /// The dictionaries that hold tensors at any depth.
  private(set) var groups: [WeightsFile.Group] = []

  private let heap: PickleHeap
  private let path: String
  private var visited = 0
  private var nameBytes = 0

  /// Throws `ArtifactError.wrongFormat` if the pickle holds no dictionary, `.corrupt` if two tensors have the same
  /// name, `.tooLarge` if the containers are nested too deeply or hold too much.
  init(_ pickle: PickleMachine.Result, path: String) throws {
    heap = pickle.heap
    self.path = path
    guard case .dictionary = pickle.value else {
      throw ArtifactError.wrongFormat(
        path: path, detail: "it holds \(pickle.value.kind), not a dictionary of tensors")
    }
    try visit(pickle.value, name: "", depth: 0)
    var names: Set<String> = []
    for (name, _) in found where !names.insert(name).inserted {
      throw ArtifactError.corrupt(path: path, detail: "two tensors are named \(name.inMessage)")
    }
  }

  private mutating func visit(_ value: PickleValue, name: String, depth: Int) throws {
    visited += 1
    guard visited <= ReaderLimits.visitedValues else { throw tooLarge("it holds too many values") }
    guard depth <= ReaderLimits.nesting else { throw tooLarge("its dictionaries are nested too deeply") }
    switch value {
    case .tensor(let index):
      found.append((name, heap.tensors[index]))
    case .dictionary(let index):
      let before = found.count
      var own = 0
      for (key, member) in heap.dictionaries[index].entries {
        if case .tensor = member { own += 1 }
        try visit(member, key: key.description, of: name, depth: depth)
      }
      if found.count > before {
        groups.append(WeightsFile.Group(name: name, tensorCount: found.count - before, ownTensorCount: own))
      }
    case .list(let index), .tuple(let index):
      for (position, member) in heap.sequences[index].enumerated() {
        try visit(member, key: String(position), of: name, depth: depth)
      }
    default:
      break
    }
  }

  private mutating func visit(_ member: PickleValue, key: String, of name: String, depth: Int) throws {
    nameBytes += name.utf8.count + key.utf8.count
    guard name.utf8.count + key.utf8.count <= ReaderLimits.nameBytes, nameBytes <= ReaderLimits.totalTextBytes else {
      throw tooLarge("the names of its values are too long")
    }
    try visit(member, name: depth == 0 ? key : name + "." + key, depth: depth + 1)
  }

  private func tooLarge(_ detail: String) -> ArtifactError { .tooLarge(path: path, detail: detail) }
}
