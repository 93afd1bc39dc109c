import TensorCore

/// A small, slow backend that works as one does that compiles: inside a step it only writes down what is asked for. When the
/// step ends it runs the program: if an earlier step's is equal, that earlier one, on the inputs of this step.
///
/// It counts what such a backend could not do, or would have to do anew: copies to the host inside a step, and programs.
final class RecordingBackend: Backend, @unchecked Sendable {
  private let device = Backends.cpu
  private var depth = 0
  private var recording = Recording()
  private var programs: Set<StepProgram> = []

  /// Copies to the host that were asked for inside steps.
  private(set) var copiesInside = 0
  /// The number of steps, and what was copied from the host in the last one.
  private(set) var steps = 0
  private(set) var uploads = 0
  /// Different programs so far: how often a compiler would have worked.
  var programCount: Int { programs.count }
  /// The largest program's number of instructions.
  var longestProgram: Int { programs.map(\.instructions.count).max() ?? 0 }

  var summary: String { "recording" }
  var imagesAtOnce: Int { 2 }

  private struct Recording {
    var program = StepProgram()
    var arguments: [Storage] = []
    var numbers: [ObjectIdentifier: Int] = [:]
    var held: [Weak] = []
  }

  private struct Weak {
    weak var storage: RecordedStorage?
    let number: Int
  }

  func step<Result>(_ body: () throws -> Result) rethrows -> Result {
    if depth == 0 {
      recording = Recording()
      steps += 1
      uploads = 0
    }
    depth += 1
    defer {
      depth -= 1
      if depth == 0 { finish() }
    }
    return try body()
  }

  func run(_ kernel: Kernel, _ operands: [Storage]) -> [Storage] {
    guard depth > 0 else { return device.run(kernel, operands.map(value)).map { RecordedStorage($0, backend: self) } }
    let types = kernel.results(of: operands.map(\.type))
    let numbers = operands.map(number)
    let results = types.map { type in pending(type) }
    recording.program.instructions.append(
      .init(operation: .run(kernel), operands: numbers, results: results.map(\.number)))
    return results.map(\.storage)
  }

  func update(_ states: [Storage], by kernel: UpdateKernel, _ operands: [Storage]) {
    guard depth > 0 else { return device.update(states.map(value), by: kernel, operands.map(value)) }
    let numbers = (states + operands).map(number)
    let results = states.map { state in
      let storage = recorded(state)
      let number = newNumber()
      storage.pending = number
      recording.held.append(Weak(storage: storage, number: number))
      return number
    }
    recording.program.instructions.append(.init(operation: .update(kernel), operands: numbers, results: results))
  }

  func allocate(_ type: ArrayType) -> Storage { RecordedStorage(device.allocate(type), backend: self) }

  func upload(_ elements: [Float], _ shape: Shape) -> Storage {
    uploads += 1
    return RecordedStorage(device.upload(elements, shape), backend: self)
  }

  func upload(_ elements: [Int32], _ shape: Shape) -> Storage {
    uploads += 1
    return RecordedStorage(device.upload(elements, shape), backend: self)
  }

  func floats(_ storage: Storage) -> [Float] { device.floats(copied(storage)) }
  func integers(_ storage: Storage) -> [Int32] { device.integers(copied(storage)) }

  private func copied(_ storage: Storage) -> Storage {
    if depth > 0 {
      copiesInside += 1
      // The step falls apart into the part before the copy and the part after it.
      finish()
      recording = Recording()
    }
    return value(storage)
  }

  private func recorded(_ storage: Storage) -> RecordedStorage {
    guard let storage = storage as? RecordedStorage, storage.backend === self else {
      preconditionFailure("RecordingBackend: got a storage of \(storage.backend.summary)")
    }
    return storage
  }

  private func value(_ storage: Storage) -> Storage {
    let storage = recorded(storage)
    precondition(storage.pending == nil, "RecordingBackend: the value of an array that no step has computed")
    return storage.value
  }

  private func newNumber() -> Int {
    defer { recording.program.count += 1 }
    return recording.program.count
  }

  private func pending(_ type: ArrayType) -> (storage: Storage, number: Int) {
    let number = newNumber()
    let storage = RecordedStorage(type, pending: number, backend: self)
    recording.held.append(Weak(storage: storage, number: number))
    return (storage, number)
  }

  /// The number of an operand, which becomes an input where the step meets it first.
  private func number(_ storage: Storage) -> Int {
    let storage = recorded(storage)
    if let number = storage.pending { return number }
    let id = ObjectIdentifier(storage.value)
    if let known = recording.numbers[id] { return known }
    let number = newNumber()
    recording.numbers[id] = number
    recording.program.inputs.append((number, storage.type))
    recording.arguments.append(storage.value)
    return number
  }

  /// Runs what was written down and gives its values to those who hold them.
  private func finish() {
    var program = recording.program
    // A state that was updated twice is held once, with its last value.
    let held = recording.held.compactMap { weak -> (storage: RecordedStorage, number: Int)? in
      guard let storage = weak.storage, storage.pending == weak.number else { return nil }
      return (storage, weak.number)
    }
    program.outputs = held.map(\.number)
    let known = programs.insert(program).memberAfterInsert
    for (entry, value) in zip(held, known.run(recording.arguments, on: device)) {
      entry.storage.value = value
      entry.storage.pending = nil
    }
  }
}

/// An array of the recording backend: a value, or the number of one in the step that is being recorded.
private final class RecordedStorage: Storage, @unchecked Sendable {
  private var known: Storage?
  var pending: Int?

  var value: Storage {
    get {
      guard let known else { preconditionFailure("RecordingBackend: an array without a value") }
      return known
    }
    set { known = newValue }
  }

  init(_ value: Storage, backend: RecordingBackend) {
    known = value
    super.init(value.type, backend: backend)
  }

  init(_ type: ArrayType, pending: Int, backend: RecordingBackend) {
    self.pending = pending
    super.init(type, backend: backend)
  }
}
