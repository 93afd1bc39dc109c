/// A backend that writes operations down and runs them together: those of a step when it ends, those between steps when the
/// next one begins or something is copied to the host.
///
/// What it runs on is the subclass's matter, which gives the type of its buffers and overrides what traps here. It is used by
/// one thread.
open class LazyBackend<Buffer>: Backend, @unchecked Sendable {
  private var depth = 0
  private var recording = Recording()

  /// Copies to the host that were asked for inside steps, each of which cuts its step in two: a defect.
  public private(set) var copiesInsideSteps = 0

  public init() {}

  // MARK: What a subclass does

  open var summary: String { preconditionFailure("LazyBackend: summary") }
  open var imagesAtOnce: Int { preconditionFailure("LazyBackend: imagesAtOnce") }
  open var replicas: Replicas { .one }

  /// Runs a program on the buffers of its inputs.
  /// - Parameter isStep: whether it is a whole step, or what was asked for between steps.
  /// - Returns: the buffers of its outputs. The buffers of replaced inputs are not used afterwards.
  open func execute(_ program: StepProgram, _ arguments: [Buffer], isStep: Bool) -> [Buffer] {
    preconditionFailure("LazyBackend: execute")
  }

  /// Copies from the host.
  open func buffer(_ elements: [Float], _ shape: Shape) -> Buffer { preconditionFailure("LazyBackend: buffer") }
  open func buffer(_ elements: [Int32], _ shape: Shape) -> Buffer { preconditionFailure("LazyBackend: buffer") }
  /// Copies from the host what differs from replica to replica; see `Backend.distribute`.
  open func buffer(parts elements: [Float], _ shape: Shape) -> Buffer { buffer(elements, shape) }
  open func buffer(parts elements: [Int32], _ shape: Shape) -> Buffer { buffer(elements, shape) }
  /// Copies to the host.
  open func floats(of buffer: Buffer, count: Int) -> [Float] { preconditionFailure("LazyBackend: floats") }
  open func integers(of buffer: Buffer, count: Int) -> [Int32] { preconditionFailure("LazyBackend: integers") }
  /// See `Backend.replicaThatDiffers`.
  open func replicaThatDiffers(in buffer: Buffer) -> Int? { nil }

  // MARK: Backend

  public func step<Result>(_ body: () throws -> Result) rethrows -> Result {
    if depth == 0 { finish(isStep: false) }
    depth += 1
    defer {
      depth -= 1
      if depth == 0 { finish(isStep: true) }
    }
    return try body()
  }

  public func run(_ kernel: Kernel, _ operands: [Storage]) -> [Storage] {
    let numbers = operands.map(number)
    let results = kernel.results(of: operands.map(\.type)).map { type -> LazyStorage<Buffer> in
      let storage = LazyStorage<Buffer>(type, .pending(newNumber()), self)
      hold(storage)
      return storage
    }
    recording.program.instructions.append(
      .init(operation: .run(kernel), operands: numbers, results: results.compactMap(\.pending)))
    return results
  }

  public func update(_ states: [Storage], by kernel: UpdateKernel, _ operands: [Storage]) {
    let numbers = (states + operands).map(number)
    let results = states.map { state in
      let storage = own(state)
      let before = input(of: storage)
      let number = newNumber()
      recording.replaced[number] = before
      storage.value = .pending(number)
      hold(storage)
      return number
    }
    recording.program.instructions.append(.init(operation: .update(kernel), operands: numbers, results: results))
  }

  /// An array of zeros, for want of one without elements.
  public func allocate(_ type: ArrayType) -> Storage { run(.movement(.fill(type, 0)), [])[0] }

  public func upload(_ elements: [Float], _ shape: Shape) -> Storage {
    LazyStorage(ArrayType(shape), .known(Held(buffer(elements, shape))), self)
  }

  public func upload(_ elements: [Int32], _ shape: Shape) -> Storage {
    LazyStorage(ArrayType(shape, .int32), .known(Held(buffer(elements, shape))), self)
  }

  public func distribute(_ elements: [Float], _ shape: Shape) -> Storage {
    LazyStorage(ArrayType(shape), .known(Held(buffer(parts: elements, shape))), self)
  }

  public func distribute(_ elements: [Int32], _ shape: Shape) -> Storage {
    LazyStorage(ArrayType(shape, .int32), .known(Held(buffer(parts: elements, shape))), self)
  }

  public func replicaThatDiffers(in storage: Storage) -> Int? { replicaThatDiffers(in: value(storage)) }

  public func floats(_ storage: Storage) -> [Float] { floats(of: value(storage), count: storage.type.count) }
  public func integers(_ storage: Storage) -> [Int32] { integers(of: value(storage), count: storage.type.count) }

  // MARK: Writing down

  private struct Recording {
    var program = StepProgram()
    var arguments: [Held<Buffer>] = []
    /// The inputs so far: the number of each, and its place among them.
    var known: [ObjectIdentifier: (number: Int, place: Int)] = [:]
    var held: [Weak] = []
    /// For the new value of a state, by its number, the input that was its value before the step.
    var replaced: [Int: Int] = [:]
  }

  private struct Weak {
    weak var storage: LazyStorage<Buffer>?
    let number: Int
  }

  private func hold(_ storage: LazyStorage<Buffer>) {
    guard case .pending(let number) = storage.value else { return }
    recording.held.append(Weak(storage: storage, number: number))
  }

  private func own(_ storage: Storage) -> LazyStorage<Buffer> {
    guard let storage = storage as? LazyStorage<Buffer>, storage.backend === self else {
      preconditionFailure("\(summary): got an array of \(storage.backend.summary)")
    }
    return storage
  }

  private func newNumber() -> Int {
    defer { recording.program.count += 1 }
    return recording.program.count
  }

  /// The number of an operand, which becomes an input where the step meets it first.
  private func number(_ storage: Storage) -> Int {
    let storage = own(storage)
    switch storage.value {
    case .pending(let number): return number
    case .known(let held):
      // Held by the arguments, so that no other object gets its identity meanwhile.
      let id = ObjectIdentifier(held)
      if let known = recording.known[id] { return known.number }
      let number = newNumber()
      recording.known[id] = (number, recording.arguments.count)
      recording.program.inputs.append(.init(number: number, type: storage.type))
      recording.arguments.append(held)
      return number
    }
  }

  /// The input that is a state's value, or was before an earlier update in the step; nil where the step made the array.
  private func input(of storage: LazyStorage<Buffer>) -> Int? {
    switch storage.value {
    case .pending(let number): recording.replaced[number]
    case .known(let held): recording.known[ObjectIdentifier(held)]?.place
    }
  }

  private func value(_ storage: Storage) -> Buffer {
    let storage = own(storage)
    if case .pending = storage.value {
      if depth > 0 { copiesInsideSteps += 1 }
      finish(isStep: depth > 0)
    }
    guard case .known(let held) = storage.value else { preconditionFailure("\(summary): an array without a value") }
    return held.buffer
  }

  /// Runs what was written down and gives its values to those who hold them.
  private func finish(isStep: Bool) {
    var recording = recording
    self.recording = Recording()
    guard !recording.program.instructions.isEmpty else { return }
    // A state that was updated twice is held once, with its last value.
    let held = recording.held.compactMap { weak -> (storage: LazyStorage<Buffer>, number: Int)? in
      guard let storage = weak.storage, storage.pending == weak.number else { return nil }
      return (storage, weak.number)
    }
    guard !held.isEmpty else { return }
    recording.held = []
    recording.program.outputs = held.map(\.number)
    recording.program.replaced = held.map { recording.replaced[$0.number] }
    let results = execute(recording.program, recording.arguments.map(\.buffer), isStep: isStep)
    for (entry, buffer) in zip(held, results) { entry.storage.value = .known(Held(buffer)) }
  }
}

/// A buffer with an identity.
private final class Held<Buffer> {
  let buffer: Buffer

  init(_ buffer: Buffer) { self.buffer = buffer }
}

/// An array of a lazy backend: a buffer, or the number of one in the program that is being written.
private final class LazyStorage<Buffer>: Storage, @unchecked Sendable {
  enum Value {
    case known(Held<Buffer>)
    case pending(Int)
  }

  var value: Value

  init(_ type: ArrayType, _ value: Value, _ backend: LazyBackend<Buffer>) {
    self.value = value
    super.init(type, backend: backend)
  }

  var pending: Int? {
    if case .pending(let number) = value { number } else { nil }
  }
}
