import Artifacts
import Foundation

/// Seeded damage to a small file, and how its reader took it: a damaged file may be refused with an error of one line, or
/// read; it may not take more than 5 s, nor much memory.
public struct MutationRun {
  /// Mutations that were tried, and those of them that were refused.
  public private(set) var (count, refused) = (0, 0)
  /// What went wrong; empty if all is well.
  public private(set) var faults: [String] = []

  /// - Parameters:
  ///   - count: mutations, where `DD2_MUTATIONS` does not say how many.
  ///   - sound: what is damaged.
  ///   - wrap: makes the file of the damaged bytes.
  ///   - reader: reads the file at a path; throws for a damaged one.
  public init(
    _ name: String, seed: UInt64, count: Int = 2000, of sound: [UInt8], wrap: ([UInt8]) -> [UInt8] = { $0 },
    reader: (String) throws -> Void
  ) throws {
    self.count = ProcessInfo.processInfo.environment["DD2_MUTATIONS"].flatMap(Int.init) ?? count
    let folder = try TemporaryFolder()
    // Makes what the process holds now its peak.
    try? "5".write(toFile: "/proc/self/clear_refs", atomically: false, encoding: .utf8)
    let before = try Self.peakMemory()
    var mutator = Mutator(seed: seed)
    var slowest = 0.0
    for number in 0..<self.count {
      let path = try folder.overwrite(wrap(mutator.damaged(sound)), "damaged")
      let start = ContinuousClock.now
      do {
        try reader(path)
      } catch let error as ArtifactError {
        refused += 1
        let line = error.description
        if line.contains("\n") || line.utf8.count >= 2000 || error.exitCode != 65 {
          faults.append("\(number): \(line)")
        }
      } catch {
        faults.append("\(number): an error of another type, \(error)")
      }
      let seconds = (ContinuousClock.now - start) / .seconds(1)
      if seconds > 5 { faults.append("\(number): \(seconds) s") }
      slowest = max(slowest, seconds)
    }
    let memory = (try Self.peakMemory() - before) >> 10
    if memory >= 400 { faults.append("\(memory) MiB of memory") }
    print(
      "\(name): \(self.count) mutations of seed \(seed), \(refused) refused, slowest \(Int(slowest * 1000)) ms, "
        + "\(memory) MiB")
  }

  /// Kilobytes of memory that the process held at most.
  private static func peakMemory() throws -> Int {
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
  }
}
