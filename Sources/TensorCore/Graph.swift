import Synchronization

/// One output of a node.
struct Edge {
  let node: Node
  let output: Int
}

/// A recorded operation: its differentiable inputs and the rule that turns output gradients into input gradients.
final class Node: @unchecked Sendable {
  /// Gradients of the outputs (nil where nothing flowed) and which inputs want one, to gradients of the inputs.
  typealias Backward = (_ outputs: [Tensor?], _ wanted: [Bool]) -> [Tensor?]

  let inputs: [Edge?]
  /// Nil for leaves, and once a backward pass has used it: what it holds of the forward pass is free again.
  fileprivate(set) var backward: Backward?
  /// Creation order: a node's inputs always have smaller numbers, which gives the order of the backward pass.
  let sequence: Int

  private static let counter = Atomic<Int>(0)

  /// The number of the node that was made last.
  static var latest: Int { counter.load(ordering: .relaxed) }

  init(inputs: [Edge?], backward: Backward?) {
    self.inputs = inputs
    self.backward = backward
    sequence = Self.counter.add(1, ordering: .relaxed).newValue
  }
}

/// Whether operations are being recorded in the current task.
enum Recording {
  @TaskLocal static var isOn = true
}

/// Runs `body` without building a graph: results are constants, and intermediate values are released at once.
public func withoutGradient<R>(_ body: () throws -> R) rethrows -> R {
  try Recording.$isOn.withValue(false, operation: body)
}

extension Tensor {
  /// Attaches the backward rule of an op with one output. The rule gets the output's gradient and, per input,
  /// whether a gradient is wanted; it returns one gradient per input (nil where not wanted).
  func recorded(
    from inputs: [Tensor], _ backward: @escaping (_ gradient: Tensor, _ wanted: [Bool]) -> [Tensor?]
  ) -> Tensor {
    guard Recording.isOn, inputs.contains(where: { $0.edge != nil }) else { return self }
    let node = Node(inputs: inputs.map(\.edge)) { outputs, wanted in
      guard let gradient = outputs[0] else { return inputs.map { _ in nil } }
      return backward(gradient, wanted)
    }
    return Tensor(storage, edge: Edge(node: node, output: 0))
  }

  /// Attaches the backward rule of an op with several outputs.
  static func recorded(_ outputs: [Tensor], from inputs: [Tensor], _ backward: @escaping Node.Backward) -> [Tensor] {
    guard Recording.isOn, inputs.contains(where: { $0.edge != nil }) else { return outputs }
    let count = outputs.count
    // The pass knows of outputs up to the last one that a gradient reached.
    let node = Node(inputs: inputs.map(\.edge)) { gradients, wanted in
      backward(gradients + [Tensor?](repeating: nil, count: count - gradients.count), wanted)
    }
    return outputs.enumerated().map { index, output in
      Tensor(output.storage, edge: Edge(node: node, output: index))
    }
  }

  /// Gradients of this scalar with respect to the given leaves, in their order; zeros where a leaf has no influence.
  ///
  /// Only the part of the graph between the loss and these leaves is visited, so weights that are not asked for
  /// cost nothing. What the forward pass kept is released as the pass uses it: a loss has its gradients taken once.
  public func gradients(withRespectTo leaves: [Tensor]) -> [Tensor] {
    precondition(count == 1, "gradients: expected a scalar loss, got shape \(shape)")
    return gradients(withRespectTo: leaves, seed: Tensor(repeating: 1, shape))
  }

  /// As `gradients(withRespectTo:)`, telling of each gradient as soon as the backward pass has it, so that it can be sent on
  /// meanwhile.
  /// - Parameter receive: called once with the place of each leaf and its gradient, in an order that follows from the graph.
  public func gradients(withRespectTo leaves: [Tensor], receive: (Int, Tensor) -> Void) {
    precondition(count == 1, "gradients: expected a scalar loss, got shape \(shape)")
    let targets = leaves.map(\.leafNode)
    var places = Dictionary(uniqueKeysWithValues: targets.enumerated().map { (ObjectIdentifier($1), $0) })
    if let edge {
      var pass = BackwardPass(root: edge.node, targets: targets)
      withoutGradient {
        pass.run(from: edge, seed: Tensor(repeating: 1, shape)) { target, gradient in
          if let place = places.removeValue(forKey: target) { receive(place, gradient) }
        }
      }
    }
    for place in places.values.sorted() { receive(place, .zeros(leaves[place].shape)) }
  }

  /// As `gradients(withRespectTo:)`, for a tensor of any shape whose gradient `seed` is known.
  public func gradients(withRespectTo leaves: [Tensor], seed: Tensor) -> [Tensor] {
    precondition(seed.shape == shape, "gradients: seed \(seed.shape) for a tensor of shape \(shape)")
    let targets = leaves.map(\.leafNode)
    guard let edge else { return leaves.map { .zeros($0.shape) } }
    var pass = BackwardPass(root: edge.node, targets: targets)
    withoutGradient { pass.run(from: edge, seed: seed) }
    return zip(leaves, targets).map { leaf, node in
      pass.gradient(of: Edge(node: node, output: 0)) ?? .zeros(leaf.shape)
    }
  }

  private var leafNode: Node {
    guard let edge, edge.node.inputs.isEmpty else {
      preconditionFailure("gradients: a tensor asked for is not a leaf")
    }
    return edge.node
  }
}

/// One traversal from a loss to the nodes whose gradients are wanted, and not beyond them.
struct BackwardPass {
  private var order: [Node] = []
  private var isNeeded: Set<ObjectIdentifier> = []
  private var flowing: [ObjectIdentifier: [Tensor?]] = [:]
  private let targets: Set<ObjectIdentifier>

  init(root: Node, targets: [Node]) {
    self.targets = Set(targets.map(ObjectIdentifier.init))
    var seen: Set<ObjectIdentifier> = []
    var stack = [root]
    while let node = stack.popLast() {
      guard seen.insert(ObjectIdentifier(node)).inserted else { continue }
      order.append(node)
      if self.targets.contains(ObjectIdentifier(node)) { continue }
      for case let input? in node.inputs { stack.append(input.node) }
    }
    order.sort { $0.sequence < $1.sequence }
    for node in order {
      let id = ObjectIdentifier(node)
      let leadsToTarget = node.inputs.contains { $0.map { isNeeded.contains(ObjectIdentifier($0.node)) } ?? false }
      if self.targets.contains(id) || leadsToTarget { isNeeded.insert(id) }
    }
  }

  /// What reached an output of a target; nil where nothing did.
  func gradient(of edge: Edge) -> Tensor? {
    flowing[ObjectIdentifier(edge.node)].flatMap { edge.output < $0.count ? $0[edge.output] : nil }
  }

  /// Runs to the end and keeps what reaches the targets.
  mutating func run(from root: Edge, seed: Tensor) {
    accumulate(seed, into: root)
    for node in order.reversed() { passBack(node) }
  }

  /// Runs to the end and gives away what reaches a target as soon as all of it is there.
  mutating func run(from root: Edge, seed: Tensor, complete: (_ target: ObjectIdentifier, Tensor) -> Void) {
    accumulate(seed, into: root)
    let lastUses = lastUses
    for node in order.reversed() {
      passBack(node)
      for target in lastUses[ObjectIdentifier(node)] ?? [] {
        if let gradient = flowing.removeValue(forKey: target)?.first ?? nil { complete(target, gradient) }
      }
    }
    // Only the root can be a target that nothing uses.
    if let gradient = flowing[ObjectIdentifier(root.node)]?.first ?? nil {
      complete(ObjectIdentifier(root.node), gradient)
    }
  }

  /// From a node to its inputs.
  private mutating func passBack(_ node: Node) {
    let id = ObjectIdentifier(node)
    guard isNeeded.contains(id), !targets.contains(id), let outputs = flowing[id] else { return }
    flowing[id] = nil
    let wanted = node.inputs.map { $0.map { isNeeded.contains(ObjectIdentifier($0.node)) } ?? false }
    guard let backward = node.backward else {
      preconditionFailure("gradients: of a tensor whose graph an earlier backward pass has used")
    }
    let gradients = backward(outputs, wanted)
    node.backward = nil
    for case (let input?, let gradient?) in zip(node.inputs, gradients)
    where isNeeded.contains(ObjectIdentifier(input.node)) {
      accumulate(gradient, into: input)
    }
  }

  /// The targets to which a node's backward rule is the last one to add.
  private var lastUses: [ObjectIdentifier: [ObjectIdentifier]] {
    var seen: Set<ObjectIdentifier> = []
    var uses: [ObjectIdentifier: [ObjectIdentifier]] = [:]
    for node in order where !targets.contains(ObjectIdentifier(node)) {
      for case let input? in node.inputs {
        let target = ObjectIdentifier(input.node)
        if targets.contains(target), seen.insert(target).inserted {
          uses[ObjectIdentifier(node), default: []].append(target)
        }
      }
    }
    return uses
  }

  private mutating func accumulate(_ gradient: Tensor, into edge: Edge) {
    let id = ObjectIdentifier(edge.node)
    var slots = flowing[id] ?? []
    while slots.count <= edge.output { slots.append(nil) }
    slots[edge.output] = slots[edge.output].map { $0 + gradient } ?? gradient
    flowing[id] = slots
  }
}
