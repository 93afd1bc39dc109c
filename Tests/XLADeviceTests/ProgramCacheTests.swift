import Artifacts
import Foundation
import TensorCore
import TestSupport
import Testing

@testable import XLADevice

@Suite struct ProgramCacheTests {
  @Test func whatIsKeptIsFound() throws {
    try withTemporaryFolder { folder in
      let cache = ProgramCache(folder: folder + "/a/b")
      #expect(cache.program("key") == nil)
      try cache.keep([1, 2, 3], "key")
      #expect(cache.program("key") == [1, 2, 3])
      try cache.keep([4], "key")
      #expect(cache.program("key") == [4] && cache.program("other") == nil)
    }
  }

  @Test func whatIsDamagedIsNotThere() throws {
    try withTemporaryFolder { folder in
      let cache = ProgramCache(folder: folder)
      try cache.keep([1, 2, 3], "key")
      let entry = try FileAccess.contents(of: folder + "/key")
      for damaged in [entry.dropLast(), Data(), entry.prefix(64), entry.dropLast() + Data([0])] {
        try AtomicFile.write(Data(damaged), to: folder + "/key")
        #expect(cache.program("key") == nil, "\(damaged.count) of \(entry.count) bytes")
      }
    }
  }

  @Test func theLongestUnusedGoFirst() throws {
    try withTemporaryFolder { folder in
      // An entry takes 100 bytes beside its hash of 64.
      let cache = ProgramCache(folder: folder, limit: 3 * 164)
      let program = [UInt8](repeating: 7, count: 100)
      for key in ["a", "b", "c"] {
        try cache.keep(program, key)
        usleep(20_000)
      }
      #expect(try FileAccess.names(in: folder) == ["a", "b", "c"])
      #expect(cache.program("a") != nil)
      usleep(20_000)
      try cache.keep(program, "d")
      #expect(try FileAccess.names(in: folder) == ["a", "c", "d"])
    }
  }

  @Test func theFolderIsTheUsersCache() {
    func folder(_ environment: [String: String]) -> String? { ProgramCache.standard(environment: environment)?.folder }
    #expect(folder(["XDG_CACHE_HOME": "/x", "HOME": "/h"]) == "/x/dd2/programs")
    #expect(folder(["XDG_CACHE_HOME": "x", "HOME": "/h"]) == "/h/.cache/dd2/programs")
    #expect(folder([:]) == nil)
  }
}

/// Programs of a backend that come from the cache.
@Suite(.enabled(if: CPUPlugin.isFound, "no plugin for processors: dd2 device install cpu"))
struct CachedProgramTests {
  /// What a backend told, and the elements that it computed.
  private struct Outcome: Equatable {
    var told: [String] = []
    var elements: [Float] = []
  }

  private static let values = (0..<96).map { Float(sin(Double($0)) * 3) }

  /// Runs a step on a new backend.
  private func run(_ cache: ProgramCache?) throws -> Outcome {
    var outcome = Outcome()
    let backend = XLABackend(try CPUPlugin.client(), cache: cache) { event in
      switch event {
      case .compiling: outcome.told.append("compiling")
      case .compiled: outcome.told.append("compiled")
      case .loaded: outcome.told.append("loaded")
      case .cacheFailed(let reason): outcome.told.append(reason)
      }
    }
    outcome.elements = Backends.$override.withValue(backend) {
      let a = Tensor(Self.values, [8, 12])
      return Backends.step { a.matmul(a, transposeOther: true).softmax().exp() }.elements
    }
    return outcome
  }

  @Test func aLoadedProgramGivesTheSameBits() throws {
    try withTemporaryFolder { folder in
      let cache = ProgramCache(folder: folder)
      let (first, second) = (try run(cache), try run(cache))
      #expect(first.told == ["compiling", "compiled"])
      #expect(second.told == ["loaded"])
      #expect(first.elements == second.elements && first.elements.count == 64)
    }
  }

  @Test func damagedAndRefusedEntriesAreReplaced() throws {
    try withTemporaryFolder { folder in
      let cache = ProgramCache(folder: folder)
      let expected = try run(cache)
      let key = try #require(try FileAccess.names(in: folder).first)
      let sound = try FileAccess.contents(of: folder + "/" + key)
      try AtomicFile.write(sound.dropLast(), to: folder + "/" + key)
      #expect(try run(cache) == expected)
      #expect(try run(cache).told == ["loaded"])
      // Whole, and no program.
      try cache.keep(Array("no program".utf8), key)
      #expect(try run(cache) == expected)
      #expect(try run(cache).told == ["loaded"])
    }
  }

  @Test func aFolderThatCannotBeWrittenIsNoFailure() throws {
    try withTemporaryFolder { folder in
      try AtomicFile.write(Data(), to: folder + "/file")
      let outcome = try run(ProgramCache(folder: folder + "/file/programs"))
      #expect(outcome.told.count == 3 && outcome.told.last?.contains("/file") == true, "\(outcome.told)")
      #expect(outcome.elements == (try run(nil)).elements)
    }
  }

  @Test func aLoadedProgramTakesItsStatesMemory() throws {
    let client = try CPUPlugin.client()
    let text = Program.binary("add", "1024xf32", attributes: " {tf.aliasing_output = 0 : i32}")
    let program = try client.load(client.compile(text).executable.serialized())
    #expect(try program.executable.memory?.aliased == 4096)
    let state = try client.upload([Float](repeating: 1, count: 1024), shape: [1024])
    let change = try client.upload([Float](repeating: 2, count: 1024), shape: [1024])
    #expect(try program.execute([state, change]).outputs[0].elements() == [Float](repeating: 3, count: 1024))
    #expect(try state.isDeleted)
    #expect(try !change.isDeleted)
  }

  @Test func aProgramFollowsFromPluginDeviceAndProcessor() throws {
    let client = try CPUPlugin.client()
    let identity = try client.programIdentity()
    #expect(identity.contains("cpu") && identity.contains { $0.contains("xla_version") })
    // By either name that the kernel has for it.
    #expect(identity.contains { $0.contains("flags") || $0.contains("Features") })
    setenv("XLA_FLAGS", "--xla_some_flag=1", 1)
    defer { unsetenv("XLA_FLAGS") }
    #expect(try client.programIdentity() != identity)
  }
}
