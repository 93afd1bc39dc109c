import NN
import Processes
import TensorCore

/// Processes that no longer hold the same weights. Nothing of the step was saved.
public struct ReplicasDiffer: Error, CustomStringConvertible, Sendable {
  /// The process and its host, or the device.
  public let place: String
  /// The first array that is not the first process's.
  public let array: String
  /// Steps done.
  public let step: Int

  /// One line: what, where, what to do.
  public var description: String {
    "\(place): \(array) is no longer what the others have, after step \(step); look for a faulty machine there, and go on "
      + "with --resume from the last checkpoint"
  }
}

extension ProcessGroup {
  /// Gives all processes the first one's state of a stage.
  func takeFirst(_ stage: any TrainingStage) throws {
    var state = stage.state()
    state.progress = fromFirst { state.progress }
    func shared(_ arrays: StateDict) -> StateDict {
      var result = StateDict()
      for name in arrays.names.sorted() {
        guard let tensor = arrays[name] else { continue }
        result[name] = Tensor(fromFirst(tensor.elements), tensor.shape)
      }
      return result
    }
    state.parameters = shared(state.parameters)
    state.ema = shared(state.ema)
    state.optimizer = shared(state.optimizer)
    if !isFirst { try stage.restore(state) }
  }

  /// Checks that all processes and all devices hold the same state of a stage, bit for bit.
  /// - Throws: `ReplicasDiffer`.
  func requireEqual(_ stage: any TrainingStage, completed: Int) throws {
    guard Backends.current.replicas.count > 1 else { return }
    let state = stage.state()
    let groups = [("parameters", state.parameters), ("ema", state.ema), ("optimizer", state.optimizer)]
    let arrays = groups.flatMap { group, arrays in
      arrays.names.sorted().map { (name: group + "/" + $0, array: arrays[$0]) }
    }
    for (name, array) in arrays {
      guard let array, let device = Backends.current.replicaThatDiffers(in: array.storage) else { continue }
      throw ReplicasDiffer(
        place: "device \(device) of process \(rank) on \(host(of: rank))", array: name, step: completed)
    }
    guard !isAlone else { return }
    let hashes = gather(arrays.map { $0.array?.contentHash ?? 0 })
    for (rank, others) in hashes.enumerated() where others != hashes[0] {
      let index = zip(others, hashes[0]).enumerated().first { $1.0 != $1.1 }?.offset ?? 0
      throw ReplicasDiffer(place: "process \(rank) on \(host(of: rank))", array: arrays[index].name, step: completed)
    }
  }
}

extension Tensor {
  /// A hash of the elements' bits; copies them to the host.
  fileprivate var contentHash: UInt64 {
    elements.withUnsafeBytes { bytes in
      var hash: UInt64 = 0xcbf2_9ce4_8422_2325
      for word in bytes.bindMemory(to: UInt32.self) { hash = (hash ^ UInt64(word)) &* 0x100_0000_01b3 }
      return hash
    }
  }
}
