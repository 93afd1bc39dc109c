/// Whether units keep what they compute, or compute it again.
enum Recomputation {
  @TaskLocal static var isOn = false
}

/// Runs `body`, in which the results of `recomputable` units that gradients will need are not kept but computed again.
/// - Parameter isOn: false keeps them.
public func recomputing<R>(_ isOn: Bool = true, _ body: () throws -> R) rethrows -> R {
  try Recomputation.$isOn.withValue(isOn, operation: body)
}

/// `unit(x)`, a part of a network such as a block, of which a backward pass within `recomputing` keeps the input alone and
/// runs the rest again (Chen et al. 2016, arXiv 1604.06174): memory for about a quarter more arithmetic.
///
/// The unit gives the same when it is run again: what it draws at random is keyed. Gradients reach x and every other tensor
/// that the unit uses, such as weights.
/// - Parameters:
///   - x: of any shape.
///   - unit: called once, and again by the backward pass.
public func recomputable(_ x: Tensor, _ unit: @escaping (Tensor) -> Tensor) -> Tensor {
  guard Recomputation.isOn, Recording.isOn else { return unit(x) }
  let start = Node.latest
  // The first run is written down only to learn what the unit depends on.
  let y = unit(x)
  guard let end = y.edge, end.node.sequence > start else { return y }
  let sources = end.node.sources(madeUntil: start)
  let node = Node(inputs: sources) { outputs, _ in
    guard let gradient = outputs[0] else { return sources.map { _ in nil } }
    // Behind the barrier, so that a compiler neither takes the first run's results nor begins before they are needed.
    let (held, seed) = together(x.stopGradient(), gradient)
    let input = x.requiresGradient ? held.asLeaf() : held
    let again = Recording.$isOn.withValue(true) { Recomputation.$isOn.withValue(false) { unit(input) } }
    guard let end = again.edge else { preconditionFailure("recomputable: the unit has no graph when it is run again") }
    var pass = BackwardPass(root: end.node, targets: sources.map(\.node) + [input.edge?.node].compactMap { $0 })
    pass.run(from: end, seed: seed)
    return sources.map { source in
      let direct = pass.gradient(of: source)
      guard let edge = x.edge, edge.node === source.node, edge.output == source.output,
        let through = input.edge.flatMap(pass.gradient)
      else { return direct }
      return direct.map { $0 + through } ?? through
    }
  }
  return Tensor(y.storage, edge: Edge(node: node, output: 0))
}

/// Two tensors as they are, neither of which is there for what follows before both are.
private func together(_ a: Tensor, _ b: Tensor) -> (Tensor, Tensor) {
  let held = run(.movement(.barrier), [a.storage, b.storage])
  return (Tensor(held[0]), Tensor(held[1]))
}

extension Node {
  /// The edges through which this node depends on what was there when `sequence` was the latest node.
  fileprivate func sources(madeUntil sequence: Int) -> [Edge] {
    var found: [Edge] = []
    var known: Set<[Int]> = []
    var seen: Set<ObjectIdentifier> = []
    var stack = [self]
    while let node = stack.popLast() {
      guard seen.insert(ObjectIdentifier(node)).inserted else { continue }
      for case let input? in node.inputs {
        if input.node.sequence > sequence {
          stack.append(input.node)
        } else if known.insert([input.node.sequence, input.output]).inserted {
          found.append(input)
        }
      }
    }
    return found
  }
}
