import ArgumentParser
import Foundation
import TestSupport
import Testing

@testable import dd2

/// What dd2 says of itself and of wrong command lines, word for word: a change shows in `Tests/Snapshots`, and is a line to
/// read there. `make snapshots` writes them anew.
@Suite struct SnapshotTests {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../Snapshots").standardizedFileURL

  private func compare(_ text: String, _ name: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let file = Self.folder.appendingPathComponent(name)
    if ProcessInfo.processInfo.environment["DD2_UPDATE_SNAPSHOTS"] == "1" {
      try FileManager.default.createDirectory(at: Self.folder, withIntermediateDirectories: true)
      return try Data(text.utf8).write(to: file)
    }
    let kept = try String(contentsOf: file, encoding: .utf8).split(separator: "\n", omittingEmptySubsequences: false)
    let now = text.split(separator: "\n", omittingEmptySubsequences: false)
    let changes = now.difference(from: kept).map { change in
      switch change {
      case .remove(_, let line, _): "-\(line)"
      case .insert(_, let line, _): "+\(line)"
      }
    }
    #expect(
      changes.isEmpty, "Tests/Snapshots/\(name), 'make snapshots' writes it anew:\n\(changes.joined(separator: "\n"))",
      sourceLocation: sourceLocation)
  }

  /// The help of a command and of those below it.
  private static func help(of command: ParsableCommand.Type, path: [String]) -> String {
    let own = "== \(path.joined(separator: " "))\n\(DD2.helpMessage(for: command, columns: 100))\n\n"
    return own
      + command.configuration.subcommands.filter { $0.configuration.shouldDisplay }.map {
        help(of: $0, path: path + [$0._commandName])
      }.joined()
  }

  @Test func helpOfAllCommands() throws {
    try compare(Self.help(of: DD2.self, path: ["dd2"]), "help.txt")
  }

  /// Wrong command lines, one a line.
  private static let wrongLines = """
    distll --steps 5
    frobnicate
    sampel --one-step -o out
    teacher trian
    teacher frobnicate
    weights fecth var-d16
    device lst
    runs clean --yess
    runs --jsn
    distill --stepz 5
    distill --preset shapes32-vra
    distill --preset=imagenet
    distill --loss sdi
    distill --method dd3
    distill --set stage2.lss=sid
    distill --set steps
    distill --steps five
    distill --steps -1
    distill --steps
    distill --resume
    distill --teacher shapes32-vra --steps 1
    presets shapes32-vra
    presets var-d61
    sample --one-step
    sample --one-step --teacher-steps -o out
    sample --few-step 1 -o out
    sample --cfg 3 -o out
    sample -o out --device cdua
    sample -o out --steps 5
    fid
    fid --ref shapes23
    fid --ref shapes32 --metrics fdi
    fid --ref shapes32 --protocol clen
    data render -o out --split heldout
    teacher train --family llamagn
    teacher train --features --tokens x
    weights fetch var-d61
    weights verify inceptoin
    device install cuda31
    report runs --watch
    """

  @Test func linesOfErrors() throws {
    let dd2 = Command(folder: try TemporaryFolder())
    let text = try Self.wrongLines.split(separator: "\n").map { line in
      let outcome = try dd2(line.split(separator: " ").map(String.init), models: Command.bundledModels)
      #expect(outcome.status != 0 && outcome.output.isEmpty && outcome.logLines.count == 1, "\(line): \(outcome.log)")
      let log = outcome.log.replacing(Command.bundledModels.dropLast("/Models".count), with: "CHECKOUT")
      return "$ dd2 \(line)\n\(outcome.status) \(log)"
    }.joined()
    try compare(text, "errors.txt")
  }
}
