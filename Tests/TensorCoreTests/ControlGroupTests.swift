import Foundation
import TestSupport
import Testing

@testable import TensorCore

/// The processor time and memory that control groups allow, from files such as the system shows.
@Suite struct ControlGroupTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func write(_ text: String, _ path: String) throws {
    try folder.makeFolder((path as NSString).deletingLastPathComponent)
    try folder.write(Data((text + "\n").utf8), path)
  }

  private func cores(groups: String, mounts: String, _ files: [String: String]) throws -> Int? {
    try write(groups, "proc/self/cgroup")
    try write("22 1 0:5 / /proc rw,nosuid shared:5 - proc proc rw\n" + mounts, "proc/self/mountinfo")
    for (path, text) in files { try write(text, path) }
    return ControlGroups.cores(root: folder.path)
  }

  private static let unified = "30 22 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate"

  @Test(
    arguments: [
      ("150000 100000", 2), ("200000 100000", 2), ("10000 100000", 1), ("1600000 50000", 32), ("max 100000", nil),
      ("", nil), ("100000", nil), ("-5 100000", nil),
    ] as [(String, Int?)])
  func aGroupOfVersion2(text: String, expected: Int?) throws {
    let found = try cores(groups: "0::/a/b", mounts: Self.unified, ["sys/fs/cgroup/a/b/cpu.max": text])
    #expect(found == expected)
  }

  @Test func theTightestOfAllAncestorsCounts() throws {
    let found = try cores(
      groups: "0::/slurm/job/step", mounts: Self.unified,
      [
        "sys/fs/cgroup/slurm/cpu.max": "900000 100000", "sys/fs/cgroup/slurm/job/cpu.max": "300000 100000",
        "sys/fs/cgroup/slurm/job/step/cpu.max": "max 100000", "sys/fs/cgroup/other/cpu.max": "100000 100000",
      ])
    #expect(found == 3)
  }

  @Test func version1BesideVersion2() throws {
    let mounts = """
      32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
      33 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset
      41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
      """
    let found = try cores(
      groups: "5:cpuset:/set\n4:cpu,cpuacct:/docker/abc\n0::/x", mounts: mounts,
      [
        "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1", "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000",
        "sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us": "250000",
        "sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_period_us": "100000",
        "sys/fs/cgroup/cpuset/set/cpu.cfs_quota_us": "100000", "sys/fs/cgroup/cpuset/set/cpu.cfs_period_us": "100000",
      ])
    #expect(found == 3)
  }

  /// A container that sees the host's names of groups and its own group's folder only.
  @Test func aContainerWithTheHostsNames() throws {
    let mounts = "40 30 0:26 /docker/abc /a\\040b/cgroup ro - cgroup2 cgroup ro"
    let files = ["a b/cgroup/cpu.max": "400000 100000", "a b/cgroup/sub/cpu.max": "100000 100000"]
    #expect(try cores(groups: "0::/docker/abc", mounts: mounts, files) == 4)
    #expect(try cores(groups: "0::/docker/abc/sub", mounts: mounts, files) == 1)
    #expect(try cores(groups: "0::/docker/abcd", mounts: mounts, files) == 4)
    #expect(try cores(groups: "0::/../../other", mounts: mounts, files) == 4)
  }

  @Test func withoutFilesThereIsNoLimit() throws {
    #expect(ControlGroups.cores(root: folder.path) == nil)
    #expect(try cores(groups: "", mounts: "", [:]) == nil)
    #expect(try cores(groups: "0::/a\nnonsense", mounts: "a b c\n" + Self.unified + " -", [:]) == nil)
  }

  /// Bytes in each hierarchy's file, and what comes of them.
  @Test(
    arguments: [
      ("memory.max", "4294967296", 4 << 30), ("memory.max", "max", nil), ("memory.max", "", nil),
      ("memory.limit_in_bytes", "1048576", 1 << 20), ("memory.limit_in_bytes", "9223372036854771712", nil),
    ] as [(String, String, Int?)])
  func memory(file: String, text: String, expected: Int?) throws {
    let old = "34 31 0:32 / /sys/fs/cgroup rw,relatime - cgroup cgroup rw,memory"
    let isOld = file != "memory.max"
    _ = try cores(
      groups: isOld ? "7:memory:/a" : "0::/a", mounts: isOld ? old : Self.unified, ["sys/fs/cgroup/a/" + file: text])
    #expect(ControlGroups.memoryBytes(root: folder.path) == expected)
    #expect(ControlGroups.cores(root: folder.path) == nil)
  }
}
