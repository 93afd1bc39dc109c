import Foundation
import TestSupport
import Testing

@testable import Artifacts

@Suite struct RunDirectoryTests {
  private struct Config: Codable, Equatable {
    var steps = 10
    var rate = 0.1
  }

  let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func touch(_ path: String) throws { try AtomicFile.write(Data(), to: path) }

  @Test func createsAndOpens() throws {
    let run = try RunDirectory.create(folder.file("a/run"), config: Config())
    #expect(try RunDirectory.open(folder.file("a/run")) == run)
    #expect(try run.config(as: Config.self) == Config())
    let error = artifactError { _ = try RunDirectory.create(run.path, config: Config()) }
    #expect(name(of: error) == "cannotCreate")
    #expect(name(of: artifactError { _ = try RunDirectory.open(folder.file("b")) }) == "missingFile")
    try Data("{}".utf8).write(to: URL(fileURLWithPath: run.configPath))
    #expect(name(of: artifactError { _ = try run.config(as: Config.self) }) == "wrongFormat")
  }

  @Test func findsAndPrunesCheckpoints() throws {
    let run = try RunDirectory.create(folder.file("run"), config: Config())
    #expect(try run.latestCheckpoint() == nil)
    for step in [9, 100, 20, 123_456_789] { try touch(run.checkpointPath(step: step)) }
    try touch(run.checkpointsPath + "/step-999.h5")
    #expect(run.checkpointPath(step: 9).hasSuffix("/checkpoints/step-00000009.h5"))
    #expect(run.snapshotPath(step: 9).hasSuffix("/snapshots/step-00000009.png"))
    #expect(try run.checkpointSteps() == [9, 20, 100, 123_456_789])
    #expect(try run.latestCheckpoint()?.step == 123_456_789)
    try run.pruneCheckpoints(keep: 2)
    #expect(try run.checkpointSteps() == [100, 123_456_789])
    try run.pruneCheckpoints(keep: 5)
    #expect(try run.checkpointSteps() == [100, 123_456_789])
  }

  /// A start that failed before it had a configuration leaves a folder that another may use.
  @Test func aFolderWithoutFilesIsUnused() throws {
    #expect(try RunDirectory.isUnused(folder.file("none")))
    try folder.makeFolder("run/stage1/checkpoints")
    try folder.write(Data(), "run/stage1/.dd2-1-a.tmp")
    #expect(try RunDirectory.isUnused(folder.file("run")))
    try folder.write(Data(), "run/stage1/config.json")
    #expect(try !RunDirectory.isUnused(folder.file("run")))
    #expect(
      name(of: artifactError { _ = try RunDirectory.isUnused(folder.file("run/stage1/config.json")) }) == "cannotCreate"
    )
  }

  /// A stage's folder has a record like its run's; other programs' `config.json` is none.
  @Test func aFolderInARunIsAPartOfIt() throws {
    struct Record: Encodable { let command = "dd2 distill", createdBy = "dd2 0.1.0", backend = "CPU" }
    _ = try RunDirectory.create(folder.file("run"), config: Record())
    let run = FileAccess.resolved(folder.file("run"))
    #expect(RunDirectory.around(folder.file("run/snapshots")) == run)
    #expect(RunDirectory.around(folder.file("run/new")) == folder.file("run"))
    #expect(RunDirectory.around(folder.file("run")) == nil)
    _ = try RunDirectory.create(folder.file("other"), config: Config())
    #expect(RunDirectory.around(folder.file("other/snapshots")) == nil)
  }

  @Test func defaultNamesSortByTime() {
    let date = Date(timeIntervalSince1970: 1_795_416_312)
    let path = RunDirectory.defaultPath(purpose: "distill", date: date)
    #expect(path == "runs/20261123-064512-distill")
  }

  /// Two runs begun in one second must not share a folder.
  @Test func newFoldersAreOfOneRunEach() throws {
    let date = Date(timeIntervalSince1970: 1_795_416_312)
    let root = folder.file("runs")
    let made = try (0..<3).map { _ in try RunDirectory.makeDefault(root: root, purpose: "distill", date: date) }
    let first = root + "/20261123-064512-distill"
    #expect(made == [first, first + "-2", first + "-3"])
    #expect(try FileAccess.names(in: root).count == 3)
  }

  @Test func aFolderIsHeldByOneAtATime() throws {
    let path = folder.file("run")
    var lock: WriterLock? = try WriterLock(folder: path)
    #expect(artifactError { _ = try WriterLock(folder: path) } == .inUse(path: path))
    withExtendedLifetime(lock) {}
    lock = nil
    #expect(throws: Never.self) { try WriterLock(folder: path) }
  }

  @Test func filesAreTheSameByWhatTheyAre() throws {
    try AtomicFile.write(Data(), to: folder.file("a"))
    try AtomicFile.write(Data(), to: folder.file("b"))
    try FileManager.default.createSymbolicLink(atPath: folder.file("c"), withDestinationPath: folder.file("a"))
    #expect(FileAccess.areSame(folder.file("a"), folder.file("c")))
    #expect(!FileAccess.areSame(folder.file("a"), folder.file("b")))
    #expect(!FileAccess.areSame(folder.file("none"), folder.file("none")))
  }

  @Test func atomicFilesReplaceAndLeaveNothing() throws {
    try AtomicFile.write(Data("old".utf8), to: folder.file("f"))
    try AtomicFile.write(Data("new".utf8), to: folder.file("f"))
    #expect(try contents(folder.file("f")) == Data("new".utf8))
    #expect(try folder.names() == ["f"])
    try FileManager.default.createDirectory(atPath: folder.file("g/h"), withIntermediateDirectories: true)
    let error = artifactError { try AtomicFile.write(Data("x".utf8), to: folder.file("g")) }
    #expect(name(of: error) == "cannotCreate")
    #expect(try folder.names() == ["f", "g"])
    let missing = folder.file("none/x")
    let other = artifactError { try AtomicFile.write(Data("x".utf8), to: missing) }
    #expect(other?.description.hasPrefix(missing + ": cannot be created") == true)
  }

  @Test func errorsAreOneLineWithSysexits() {
    let errors: [(ArtifactError, Int32)] = [
      (.missingFile(path: "p"), 66), (.missingWeights(path: "p", name: "n"), 69),
      (.notReadable(path: "p", detail: "d"), 66), (.corrupt(path: "p", detail: "d"), 65),
      (.wrongFormat(path: "p", detail: "d"), 65), (.unsupported(path: "p", detail: "d"), 65),
      (.tooLarge(path: "p", detail: "d"), 65), (.cannotCreate(path: "p", detail: "d"), 73), (.inUse(path: "p"), 73),
      (.leftOpen(path: "p"), 65), (.noSoundCheckpoint(path: "p", detail: "d"), 65),
      (.inputOutput(path: "p", detail: "d"), 74), (.missingDataset(path: "p", name: "n"), 65),
      (.wrongShape(path: "p", name: "n", expected: [1], found: [2]), 65),
      (.unavailable(source: "p", detail: "d"), 69), (.wrongDownload(source: "p", detail: "d"), 65),
      (.missingEntry(path: "p", name: "n", known: ["k"]), 64), (.forbiddenGlobal(path: "p", name: "n"), 65),
      (.ambiguous(path: "p", found: ["f"]), 65), (.invalidName(path: "p", name: "n", detail: "d"), 70),
      (.nonFinite(path: "p", name: "n", value: "nan"), 70),
    ]
    for (error, code) in errors {
      #expect(error.exitCode == code)
      #expect(error.description.hasPrefix("p: ") && !error.description.contains("\n"))
    }
  }
}
