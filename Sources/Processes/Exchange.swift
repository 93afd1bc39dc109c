import TensorCore

/// How the processes of a job exchange data. All processes make the same calls in the same order; each call returns when
/// all have made it. A call that cannot be completed, since a process is gone, ends this one with a line.
public protocol Exchange: Peers {
  /// This process's number, from 0.
  var rank: Int { get }
  /// Number of processes.
  var size: Int { get }
  /// The names of the processes' hosts, in the order of their numbers.
  var hosts: [String] { get }
  /// Takes down what this process does, for when it is lost.
  func note(_ place: String)

  /// The bytes of all processes, in the order of their numbers; each may give another count.
  func gather(_ bytes: [UInt8]) -> [[UInt8]]

  /// The first process's bytes, in all of them. All give the same count.
  func fromFirst(_ bytes: [UInt8]) -> [UInt8]

  /// Sums over all processes, the same bits in all of them. All give the same count.
  func sum(_ values: [Double]) -> [Double]
}

extension Exchange {
  public var replicas: Replicas { Replicas(count: size, here: rank..<rank + 1) }
}
