import Foundation
import TestSupport
import Testing

/// What dd2 finds around it: the working folder, limits of memory, environment.
@Suite struct SurroundingsTests {
  private let folder: TemporaryFolder
  private let dd2: Command

  init() throws {
    folder = try TemporaryFolder()
    dd2 = Command(folder: folder)
  }

  private static let deletedFolder = "mkdir gone && cd gone && rmdir ../gone && exec \"$0\" \"$@\""

  @Test func absolutePathsNeedNoWorkingFolder() throws {
    let out = folder.file("out")
    for arguments in [
      ["data", "render", "-o", out, "--count", "60", "--grid"],
      ["fid", "--ref", "shapes32", "--images", out, "--no-cache"], ["weights", "list"], ["weights", "verify"],
      ["teacher", "encode", "shapes32-var", "--images", out, "-o", folder.file("tokens.h5")],
      ["teacher", "evaluate", "shapes32-var", "--tokens", folder.file("tokens.h5")],
      ["sample", "--one-step", "-o", folder.file("drawn"), "--count", "1"],
    ] {
      // The bundled models are found from the executable.
      let outcome = try dd2(arguments, models: "", shell: "ulimit -t 60; " + Self.deletedFolder)
      #expect(outcome.status == 0, "\(arguments): \(outcome.log)")
    }
  }

  @Test func relativePathsInADeletedFolderFailInOneLine() throws {
    for (arguments, status) in [
      (["data", "render", "-o", "out", "--count", "2"], 73), (["teacher", "inspect", "x.h5"], 66),
      (["teacher", "train"], 73),
    ] as [([String], Int32)] {
      try dd2.expectFailure(
        arguments, status: status, saying: ["(the working folder has been deleted)"], models: "",
        shell: "ulimit -t 60; " + Self.deletedFolder)
    }
  }

  @Test func aManifestAloneIsNoCheckout() throws {
    try folder.write("[]", to: "weights-manifest.json")
    #expect(try dd2.succeeding(["weights", "list"], models: "").output.contains("shapes32-var-teacher"))
    try folder.makeFolder("Models")
    // Now it is one, which lacks the file: the next is looked at.
    #expect(try dd2.succeeding(["teacher", "inspect", "shapes32-var"], models: "").output.contains("VAR"))
    try folder.write("text", to: "Models/shapes32-var-teacher.h5")
    try dd2.expectFailure(
      ["teacher", "inspect", "shapes32-var"], status: 65, saying: ["\(folder.path)/Models/shapes32-var-teacher.h5"],
      models: "")
  }

  /// Below what is needed the line says how much that is; OpenBLAS alone would ask for it for ever.
  @Test(arguments: ["-v 250000", "-v 300000", "-v 450000", "-d 300000"])
  func tooLittleAddressSpace(limit: String) throws {
    let sample = ["sample", "--one-step", "-o", "out", "--count", "1"]
    let shell = "ulimit -t 60; ulimit \(limit); exec \"$0\" \"$@\""
    let outcome = try dd2(
      sample, models: Command.bundledModels, environment: ["DD2_THREADS": "2"], shell: shell)
    #expect(outcome.status == 69 && outcome.output.isEmpty, "\(outcome.log)")
    let last = try #require(outcome.logLines.last)
    #expect(last.hasPrefix("dd2: out of memory: ") && last.contains("'ulimit \(limit.prefix(2))' allows"), "\(last)")
  }

  /// The limit that the line names is enough to go on.
  @Test func theLimitThatIsNamedIsEnoughForTheNextStep() throws {
    let sample = ["sample", "--one-step", "-o", "out", "--count", "1"]
    var limit = 250_000
    for _ in 0..<8 {
      let outcome = try dd2(
        sample, models: Command.bundledModels, environment: ["DD2_THREADS": "2"],
        shell: "ulimit -t 60; ulimit -v \(limit); exec \"$0\" \"$@\"")
      if outcome.status == 0 { return }
      let named = try #require(outcome.log.firstMatch(of: /raise it to (\d+) at least/), "\(outcome.log)")
      let next = try #require(Int(named.1))
      #expect(next > limit)
      limit = next
    }
    Issue.record("eight limits that were named were too low, the last of them \(limit)")
  }

  /// DD2_THREADS alone says how many threads there are; BLAS brings none of its own.
  @Test func threadsAreOfOneKind() throws {
    let wanted = ["OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2", "DD2_THREADS": "1"]
    var threads = 0
    _ = try dd2(["data", "render", "-o", "out", "--count", "40000"], environment: wanted) { process in
      let first = folder.file("out/000000-disk-class0.png")
      while process.isRunning, !FileManager.default.fileExists(atPath: first) { usleep(5_000) }
      let tasks = "/proc/\(process.processIdentifier)/task"
      threads = try FileManager.default.contentsOfDirectory(atPath: tasks).count
      process.terminate()
    }
    #expect(threads == 1)
  }

  /// What needs no matrix products works with little memory, as it does with many threads.
  @Test func smallWorkNeedsLittle() throws {
    let outcome = try dd2(
      ["data", "render", "-o", "out", "--count", "3"], environment: ["DD2_THREADS": "16"],
      shell: "ulimit -t 60; ulimit -v 1000000; exec \"$0\" \"$@\"")
    #expect(outcome.status == 0, "\(outcome.log)")
    // What multiplies no matrix takes no library for it.
    for arguments in [["data", "render", "-o", "out", "--count", "3"], ["distill", "--help"]] {
      let small = try dd2(
        arguments, environment: ["DD2_THREADS": "2"], shell: "ulimit -t 60; ulimit -v 320000; exec \"$0\" \"$@\"")
      #expect(small.status == 0, "\(small.log)")
    }
  }
}
