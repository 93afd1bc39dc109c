import Foundation

/// What control groups allow the process: containers and batch systems limit time and memory without hiding cores and chips.
enum ControlGroups {
  /// How many cores the processor time is worth, rounded up, at least 1; nil where there is no limit, or none that can be
  /// read.
  /// - Parameter root: what stands before the system's paths; a folder in tests.
  static func cores(root: String = "") -> Int? {
    limit("cpu", root: root) { folder, isUnified in
      let files = isUnified ? ["cpu.max"] : ["cpu.cfs_quota_us", "cpu.cfs_period_us"]
      let numbers = files.compactMap { text("\(folder)/\($0)") }.flatMap { $0.split(whereSeparator: \.isWhitespace) }
        .map { Double($0) ?? 0 }
      guard numbers.count == 2, numbers[0] > 0, numbers[1] > 0 else { return nil }
      return numbers[0] / numbers[1]
    }.map { Int($0.rounded(.up)) }
  }

  /// The bytes of memory; nil as above.
  static func memoryBytes(root: String = "") -> Int? {
    limit("memory", root: root) { folder, isUnified in
      let text = text("\(folder)/\(isUnified ? "memory.max" : "memory.limit_in_bytes")")
      // Without a limit version 1 says nearly 2^63.
      let bytes = text.flatMap { Double($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
      return bytes.flatMap { $0 < 0x1p60 ? $0 : nil }
    }.map { Int($0) }
  }

  /// The least that the process's groups and those above them set.
  private static func limit(
    _ controller: String, root: String, _ read: (_ folder: String, _ isUnified: Bool) -> Double?
  ) -> Double? {
    guard let groups = text("\(root)/proc/self/cgroup"), let mounts = text("\(root)/proc/self/mountinfo") else {
      return nil
    }
    let limits = mounts.split(separator: "\n").compactMap { Hierarchy($0, of: controller) }.flatMap { hierarchy in
      hierarchy.folders(of: groups).compactMap { read(root + $0, hierarchy.isUnified) }
    }
    return limits.min()
  }

  private static func text(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }

  /// A mounted tree of groups that a controller is in.
  private struct Hierarchy {
    /// Whether it is of version 2, the one tree for everything.
    let isUnified: Bool
    /// The group that is seen at the mount point.
    let top: Substring
    let mountPoint: String
    let controller: String

    /// From a line of `mountinfo`: `35 24 0:30 /top /mount/point options - type source tree-options`; nil for others.
    init?(_ line: Substring, of controller: String) {
      self.controller = controller
      let fields = line.split(separator: " ")
      guard let dash = fields.firstIndex(of: "-"), dash >= 5, fields.count > dash + 3 else { return nil }
      isUnified = fields[dash + 1] == "cgroup2"
      let isOld = fields[dash + 1] == "cgroup" && fields[dash + 3].split(separator: ",").contains { $0 == controller }
      guard isUnified || isOld else { return nil }
      top = fields[3]
      // Spaces and the like are written as \040.
      mountPoint = String(fields[4]).replacing(/\\([0-7]{3})/) { match in
        UInt8(match.1, radix: 8).map { String(UnicodeScalar($0)) } ?? ""
      }
    }

    /// The folders of the process's group and those above it, as far as they are seen.
    /// - Parameter groups: lines of `/proc/self/cgroup`: `4:cpu,cpuacct:/group`, `0::/group`.
    func folders(of groups: String) -> [String] {
      let lines = groups.split(separator: "\n").map {
        $0.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      }
      let line = lines.first {
        $0.count == 3 && (isUnified ? $0[1].isEmpty : $0[1].split(separator: ",").contains { $0 == controller })
      }
      guard let group = line?[2] else { return [] }
      var names = group.split(separator: "/")
      let hidden = top.split(separator: "/")
      // A group outside of what is mounted, as in a container with the host's names: only the top is seen.
      names = names.starts(with: hidden) && !names.contains("..") ? Array(names.dropFirst(hidden.count)) : []
      return (0...names.count).map { mountPoint + names.prefix($0).map { "/" + $0 }.joined() }
    }
  }
}
