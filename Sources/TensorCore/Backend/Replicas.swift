/// Copies of one computation that run every step together, each on its part of a batch: devices of this process, processes,
/// or devices of several processes. What all of them hold, such as weights, is equal in all; what is copied from the host
/// may differ (`Backend.distribute`).
public struct Replicas: Equatable, Sendable {
  /// Their number, over all processes.
  public let count: Int
  /// The numbers of those that this process runs.
  public let here: Range<Int>

  /// Replicas.
  public init(count: Int, here: Range<Int>) {
    precondition(here.lowerBound >= 0 && !here.isEmpty && here.upperBound <= count, "Replicas: \(here) of \(count)")
    (self.count, self.here) = (count, here)
  }

  /// One alone.
  public static let one = Replicas(count: 1, here: 0..<1)
}
