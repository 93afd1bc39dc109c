import Artifacts
import Foundation
import TestSupport
import Testing

/// Where results go: what must not be replaced, what names may be, who else writes there.
@Suite struct OutputTests {
  private let folder: TemporaryFolder
  private let dd2: Command
  private let models = Command.bundledModels

  init() throws {
    folder = try TemporaryFolder()
    dd2 = Command(folder: folder)
    _ = try dd2.succeeding(["data", "render", "-o", "images", "--count", "4"])
  }

  /// Every option that names a file to write, with what its command needs besides.
  private static let writers: [(option: String, command: String)] = [
    ("-o", "teacher encode shapes32-var --images images"),
    ("--tokens-out", "teacher sample shapes32-var --count 2"),
    ("--raw", "teacher decode shapes32-var --tokens tokens.h5 -o decoded"),
    ("-o", "teacher evaluate shapes32-var --tokens tokens.h5"),
    ("-o", "ref build --images images --extractor shapes32"),
    ("-o", "weights import TRANSFORMER tokenizer-golden-var.pt"),
    ("-o", "report run"),
  ]

  private func makeInputs() throws {
    _ = try dd2.succeeding(
      ["teacher", "encode", "shapes32-var", "--images", "images", "-o", "tokens.h5"], models: models)
    _ = try GoldenTeacher.var.writeTokenizer(in: folder)
    let log = try RunDirectory.create(folder.file("run"), config: ["steps": 1]).metricLog()
    for step in 1...2 { try log.append(step: step, values: [("fid", Double(step)), ("seconds", Double(step))]) }
  }

  /// The command must end with the code of a place that takes nothing, and say so in its last line.
  private func expectRefusal(_ words: [String], _ parts: [String]) throws {
    let outcome = try dd2(words, models: models)
    #expect(outcome.status == 73 && outcome.output.isEmpty, "\(words): \(outcome.log)")
    for part in parts { #expect(outcome.logLines.last?.contains(part) == true, "\(words): \(outcome.log)") }
  }

  /// A device would be replaced by a file, as root also the machine's own; a file of another kind would be lost.
  @Test func nothingButAFileOfTheSameKindIsReplaced() throws {
    try makeInputs()
    #expect(mkfifo(folder.file("pipe.h5"), 0o600) == 0)
    try FileManager.default.createSymbolicLink(atPath: folder.file("link.h5"), withDestinationPath: "pipe.h5")
    try folder.write("keep me", to: "notes.h5")
    try FileManager.default.copyItem(atPath: models + "/shapes32-features.h5", toPath: folder.file("features.h5"))
    let kept = try folder.contents("features.h5")
    for (option, command) in Self.writers {
      let words = command.split(separator: " ").map {
        $0 == "TRANSFORMER" ? GoldenTeacher.var.transformers[0] : String($0)
      }
      for place in ["pipe.h5", "link.h5"] {
        try expectRefusal(words + [option, place], [place, "a pipe"])
      }
      for place in ["notes.h5", "features.h5"] {
        try expectRefusal(words + [option, place], [place, "is there already", "choose another name"])
      }
    }
    #expect(FileAccess.kind(folder.file("pipe.h5")) == .pipe)
    #expect(try folder.contents("notes.h5") == Data("keep me".utf8))
    #expect(try folder.contents("features.h5") == kept)
    // The same kind is replaced, through a link too, and so is an empty file.
    try folder.write("", to: "empty.h5")
    try FileManager.default.createSymbolicLink(atPath: folder.file("to-tokens.h5"), withDestinationPath: "tokens.h5")
    for place in ["tokens.h5", "empty.h5", "to-tokens.h5"] {
      _ = try dd2.succeeding(
        ["teacher", "encode", "shapes32-var", "--images", "images", "-o", place], models: models)
    }
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: folder.file("to-tokens.h5")) == "tokens.h5")
    #expect(!FileManager.default.fileExists(atPath: folder.file("decoded/000000-class0.png")))
  }

  /// An image's name in the output folder may be anything before.
  @Test func imagesReplaceFilesOnly() throws {
    try folder.makeFolder("out")
    #expect(mkfifo(folder.file("out/000001-ring-class1.png"), 0o600) == 0)
    try dd2.expectFailure(
      ["data", "render", "-o", "out", "--count", "3"], status: 73, saying: ["000001-ring-class1.png", "a pipe"])
    #expect(try folder.names(in: "out") == ["000001-ring-class1.png"])
  }

  /// Bytes that are no UTF-8, a home folder behind `=`, the longest name.
  @Test func namesAreWhatTheShellGives() throws {
    let outcome = try dd2.bash(
      #"""
      set -e
      "$DD2" data render -o $'out\xe9' --count 2
      "$DD2" teacher encode shapes32-var --images $'out\xe9' -o $'t\xe9.h5'
      "$DD2" teacher decode shapes32-var --tokens $'t\xe9.h5' -o $'again\xe9'
      "$DD2" fid --ref $'out\xe9' --images $'again\xe9' --extractor shapes32 --no-cache >/dev/null
      ls -d $'out\xe9' $'t\xe9.h5' $'again\xe9' >/dev/null
      [ "$(ls | grep -c 'out')" = 1 ]
      "$DD2" data render --output=~/a --count 1
      "$DD2" data render --output='~/b' --count 1
      "$DD2" data render -o '~/c' --count 1
      """#, models: models, environment: ["HOME": folder.file("home")])
    #expect(outcome.status == 0, "\(outcome.log)")
    #expect(try folder.names(in: "home") == ["a", "b", "c"])
    #expect(try folder.names(in: ".").contains { $0.hasPrefix("~") } == false)
    let longest = String(repeating: "n", count: 251) + ".h5"
    _ = try dd2.succeeding(
      ["teacher", "encode", "shapes32-var", "--images", "images", "-o", longest], models: models)
    #expect(FileAccess.exists(folder.file(longest)))
  }

  /// Two writers in one folder would leave a mixture that `samples.json` tells nothing of.
  @Test func aFolderHasOneWriterAtATime() throws {
    try makeInputs()
    let lock = try WriterLock(folder: folder.file("out"))
    for command in [
      "sample --one-step -o out --count 2", "sample --teacher-steps -o out --count 2",
      "teacher sample shapes32-var -o out --count 2", "teacher decode shapes32-var --tokens tokens.h5 -o out",
      "data render -o out --count 2",
    ] {
      try expectRefusal(command.split(separator: " ").map(String.init), ["out: another process"])
    }
    withExtendedLifetime(lock) {}
    #expect(try folder.names(in: "out").isEmpty)
  }
}

/// A full disk: the documented exit code, no crash afterwards, nothing half written.
@Suite struct FullDiskTests {
  private let folder: TemporaryFolder
  private let dd2: Command

  init() throws {
    folder = try TemporaryFolder()
    dd2 = Command(folder: folder)
  }

  /// Skipped where no file system may be mounted, as without root. The size lies within the first checkpoint, of which
  /// HDF5 1.10 has then parts in memory that it would try to write once more at exit.
  @Test(arguments: ["1m", "6m"]) func endsARunWithoutACrash(_ size: String) throws {
    let outcome = try dd2.bash(
      """
      mkdir disk && mount -t tmpfs -o size=\(size) tmpfs disk 2>/dev/null || { echo skipped; exit 0; }
      trap 'umount disk' EXIT
      "$DD2" distill --steps 2 --set stage1.steps=2 --batch 2 --set noise_levels=1 --set stage2.score_updates=1 \
        --set stage2.first_score_updates=1 --set warm_start.steps=0 --set stage1.images=20 --evaluate-every 0 --run disk/run
      echo "status $?"
      find disk -name '*.tmp' -o -name '*.h5'
      """, models: Command.bundledModels)
    guard outcome.output != "skipped\n" else { return }
    #expect(outcome.output == "status 74\n", "\(outcome.log)")
    #expect(outcome.logLines.last?.contains("No space left on device") == true, "\(outcome.log)")
  }

  /// The same by a limit on the size of files, which takes no root: SIGXFSZ must not end the process.
  @Test func aLimitOnFilesIsAnErrorOfWriting() throws {
    let outcome = try dd2.bash(
      """
      "$DD2" data render -o images --count 200 2>/dev/null
      ulimit -f 20
      "$DD2" teacher encode shapes32-var --images images -o tokens.h5
      echo "status $?"
      ls -A | grep -v '^images$\\|^.std'
      """, models: Command.bundledModels)
    #expect(outcome.output.hasSuffix("status 74\n"), "\(outcome.output)")
    #expect(outcome.logLines.last?.contains("tokens.h5: input or output failed (ids: File too large)") == true)
  }
}
