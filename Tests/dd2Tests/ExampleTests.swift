import ArgumentParser
import Artifacts
import Foundation
import TestSupport
import Testing

@testable import dd2

/// The examples in the help of the commands: each works, or is at least understood.
@Suite struct ExampleTests {
  /// Commands whose example takes long, or more than there is here: these are only parsed.
  private static let long: Set<String> = [
    "distill", "evaluate", "ref build", "teacher train", "weights fetch", "weights import", "device list",
    "device install",
    "doctor",
  ]

  /// The commands that do something, by their names behind `dd2`, with their examples.
  private static func examples(
    of command: ParsableCommand.Type = DD2.self, path: [String] = []
  ) -> [(name: String, examples: [String])] {
    let configuration = command.configuration
    guard configuration.subcommands.isEmpty else {
      return configuration.subcommands.filter { $0.configuration.shouldDisplay }.flatMap {
        examples(of: $0, path: path + [$0._commandName])
      }
    }
    let lines = configuration.discussion.split(separator: "\n").filter { $0.hasPrefix("Example: ") }
    return [(path.joined(separator: " "), lines.map { String($0.dropFirst("Example: ".count)) })]
  }

  @Test func everyCommandHasOne() {
    for (name, examples) in Self.examples() {
      #expect(examples.count == 1 && examples[0].hasPrefix("dd2 \(name)"), "\(name): \(examples)")
    }
    #expect(Self.long.isSubset(of: Self.examples().map(\.name)))
  }

  @Test func thoseThatTakeLongAreParsed() throws {
    for (name, examples) in Self.examples() where Self.long.contains(name) {
      for example in examples {
        #expect(throws: Never.self, "\(example)") {
          _ = try DD2.parseAsRoot(example.split(separator: " ").dropFirst().map(String.init))
        }
      }
    }
  }

  /// In an order in which each finds what it reads.
  @Test func theOthersRun() throws {
    let folder = try TemporaryFolder()
    let dd2 = Command(folder: folder)
    for name in ["a", "b"] {
      let run = try RunDirectory.create(
        folder.file("runs/" + name),
        config: ["command": "dd2", "createdBy": "dd2", "backend": "test", "settings": "none"])
      try folder.write("{}\n", to: "runs/\(name)/starts.jsonl")
      for step in 1...3 {
        try run.metricLog().append(step: step, values: [("fid", 9 / Double(step)), ("cpu_seconds", Double(step))])
      }
    }
    try folder.makeFolder("runs/my-run")
    try FileManager.default.copyItem(
      atPath: Command.bundledModels + "/shapes32-var-generator.h5", toPath: folder.file("runs/my-run/generator.h5"))
    let first = ["data render", "teacher encode", "sample"]
    let examples = Self.examples().filter { !Self.long.contains($0.name) }
    let ordered =
      first.compactMap { name in examples.first { $0.name == name } }
      + examples.filter { !first.contains($0.name) }
    for example in ordered.flatMap(\.examples) {
      let outcome = try dd2.bash("\"$DD2\"" + example.dropFirst("dd2".count), models: Command.bundledModels)
      #expect(outcome.status == 0, "\(example): \(outcome.log)")
    }
    #expect(try folder.names(in: ".").contains("mine.yaml"))
  }
}
