import Artifacts
import Foundation
import TestSupport
import Testing

@testable import Distillation

/// Files of settings that no one would write.
@Suite("Files of settings") struct SettingFileTests {
  /// A damaged file says something else, or is refused.
  @Test func damagedFiles() throws {
    let sound = DistillationPreset.shapes32VAR.configuration.yaml(title: "title")
    let run = try MutationRun("settings", seed: 1, count: 300, of: [UInt8](sound.utf8.prefix(2000))) {
      _ = try SettingTree(file: $0).settings
    }
    #expect(run.faults == [] && run.refused > run.count / 10)
  }

  /// Each level doubles what the one before stands for.
  @Test func whatGrowsWithoutEndIsRefused() throws {
    let levels = (1...40).map { "a\($0): &a\($0) {x: *a\($0 - 1), y: *a\($0 - 1)}" }
    let values = "a0: &a0 1\n" + levels.joined(separator: "\n")
    let pairs = (1...40).map { "a\($0): &a\($0)\n  ? *a\($0 - 1)\n  : *a\($0 - 1)" }
    let keys = "a0: &a0 1\n" + pairs.joined(separator: "\n")
    for text in [values, keys, "a: " + String(repeating: "1", count: 1 << 20)] {
      let error = artifactError { _ = try SettingTree(yaml: text, path: "file") }
      #expect(error?.description.contains("which no settings need") == true, "\(String(describing: error))")
    }
    #expect(try SettingTree(yaml: "a: &x 1\nb: *x  # ****", path: "file").settings.map(\.text) == ["1", "1"])
  }

  /// The library's message quotes the line.
  @Test func errorsAreShort() {
    let error = artifactError { _ = try SettingTree(yaml: String(repeating: "[", count: 100_000), path: "file") }
    #expect(error?.description.utf8.count ?? 1000 < 500 && error?.exitCode == 65)
  }
}
