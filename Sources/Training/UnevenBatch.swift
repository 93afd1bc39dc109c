import TensorCore

/// A batch that cannot be cut into equal parts, one for each replica; `description` is one line.
public struct UnevenBatch: Error, Equatable, Sendable, CustomStringConvertible {
  private let name: String
  private let batch: Int
  private let replicas: Replicas
  private let isFixed: Bool

  /// Checks a batch before anything is made of it.
  /// - Parameters:
  ///   - name: what the batch is called.
  ///   - isFixed: whether the number of devices alone can be another.
  /// - Throws: `UnevenBatch` unless the number of replicas divides it.
  public static func check(
    _ batch: Int, _ name: String = "batch", isFixed: Bool = false, over replicas: Replicas = Backends.current.replicas
  ) throws(UnevenBatch) {
    guard batch % replicas.count != 0 else { return }
    throw UnevenBatch(name: name, batch: batch, replicas: replicas, isFixed: isFixed)
  }

  public var description: String {
    let count = replicas.count
    let unit =
      replicas.here.count == count ? "devices" : replicas.here.count == 1 ? "processes" : "devices of all processes"
    let below = batch / count * count
    let advice =
      if isFixed {
        "\((1...count).last { batch % $0 == 0 } ?? 1)"
      } else {
        below == 0 ? "\(count)" : "\(below) or \(below + count)"
      }
    return "\(name) \(batch) cannot be shared evenly by \(count) \(unit); give \(advice)\(isFixed ? " \(unit)" : "")"
  }
}
