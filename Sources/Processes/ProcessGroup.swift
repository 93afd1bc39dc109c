import Foundation
import Synchronization

/// The processes of a job, as one of them sees it: those that `mpirun` or `srun` has started, or this one alone. All of them
/// run the same program; the first one writes.
///
/// Calls that exchange something are made by all processes in the same order.
public struct ProcessGroup: Sendable {
  private let exchange: (any Exchange)?

  /// A process alone.
  public static let alone = ProcessGroup(exchange: nil)

  /// The processes of an exchange.
  public init(_ exchange: any Exchange) { self.init(exchange: exchange) }

  private init(exchange: (any Exchange)?) { self.exchange = exchange }

  private static let joined = Mutex<ProcessGroup>(alone)

  /// Stands in for the process's group within a task: how tests run several in one process.
  @TaskLocal public static var override: ProcessGroup?

  /// The group of this process.
  public static var current: ProcessGroup { override ?? joined.withLock { $0 } }

  /// Makes a group the process's. Called once at the start.
  public static func join(_ group: ProcessGroup) { joined.withLock { $0 = group } }

  /// This process's number, from 0.
  public var rank: Int { exchange?.rank ?? 0 }
  /// Number of processes.
  public var size: Int { exchange?.size ?? 1 }
  /// Whether this is the process that writes files and talks to the user.
  public var isFirst: Bool { rank == 0 }
  /// Whether there are no others.
  public var isAlone: Bool { size == 1 }

  /// Everyone's values, in the order of the processes' numbers; each may give another count.
  public func gather<Element: BitwiseCopyable>(_ values: [Element]) -> [[Element]] {
    guard let exchange else { return [values] }
    return exchange.gather(values.withUnsafeBytes { Array($0) }).map(Self.elements)
  }

  private static func elements<Element: BitwiseCopyable>(_ bytes: [UInt8]) -> [Element] {
    bytes.withUnsafeBytes { source in
      [Element](unsafeUninitializedCapacity: source.count / MemoryLayout<Element>.stride) { elements, count in
        UnsafeMutableRawBufferPointer(elements).copyMemory(from: source)
        count = source.count / MemoryLayout<Element>.stride
      }
    }
  }

  /// Everyone's value, in the order of the processes' numbers.
  public func gather<Value: Codable>(_ value: Value) -> [Value] {
    guard let exchange else { return [value] }
    do {
      let bytes = try JSONEncoder().encode([value])
      return try exchange.gather(Array(bytes)).map { try JSONDecoder().decode([Value].self, from: Data($0))[0] }
    } catch {
      preconditionFailure("ProcessGroup: \(Value.self) is not what it was: \(error)")
    }
  }

  /// What the first process makes, in all of them. What it throws ends its process, and with it the job.
  public func fromFirst<Value: Codable>(_ make: () throws -> Value) rethrows -> Value {
    // In an array, as what it makes may be nil too.
    gather(isFirst ? [try make()] : [])[0][0]
  }

  /// The first process's values, in all of them; what the others give does not count.
  public func fromFirst<Element: BitwiseCopyable>(_ values: [Element]) -> [Element] {
    guard let exchange else { return values }
    let bytes = values.withUnsafeBytes { Array($0) }
    let count = Int(sum([isFirst ? Double(bytes.count) : 0])[0])
    return Self.elements(exchange.fromFirst(isFirst ? bytes : [UInt8](repeating: 0, count: count)))
  }

  /// Whether the flag is set in any process.
  public func any(_ flag: Bool) -> Bool { isAlone ? flag : sum([flag ? 1 : 0])[0] > 0 }

  /// Tells the other processes what this one does, for when it is lost.
  public func note(_ place: @autoclosure () -> String) { exchange?.note(place()) }

  /// The name of a process's host.
  public func host(of rank: Int) -> String { exchange?.hosts[rank] ?? ProcessInfo.processInfo.hostName }

  /// Sums over all processes, the same bits in all of them. All give the same count.
  public func sum(_ values: [Double]) -> [Double] { exchange?.sum(values) ?? values }

  /// The part of some work that is this process's: of batches that are laid out in rounds, one a process, those at its
  /// number. Each round has one for every process but the last one, where some may have none (nil): all processes go
  /// through as many rounds, and may exchange something after each.
  public func rounds<Item>(_ items: [Item]) -> [Item?] {
    stride(from: 0, to: items.count, by: size).map { $0 + rank < items.count ? items[$0 + rank] : nil }
  }
}
